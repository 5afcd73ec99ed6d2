-- $1 run id -> rows: the run
SELECT s.id AS "syncId", c.user_id AS "userId", s.status, s.reason, s.is_forced AS "forced",
       s.queued_at AS "queuedAt", s.started_at AS "startedAt", s.finished_at AS "finishedAt",
       s.requests, s.http_status AS "httpStatus", s.not_modified AS "notModified",
       CASE WHEN s.is_whole THEN 'list' ELSE 'changes' END AS "read", s.wire_bytes AS "wireBytes",
       s.body_bytes AS "bodyBytes", s.created, s.updated, s.deleted, s.unchanged, s.rejected,
       s.problem_count AS "problemCount", s.problems, s.error
FROM calendar_syncs AS s JOIN calendars AS c ON c.id = s.calendar_id
WHERE s.id = $1::uuid
