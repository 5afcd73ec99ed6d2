-- $1 user id, $2 cursor time or NULL, $3 cursor id or NULL, $4 limit -> rows: one run each, newest first
SELECT s.id AS "syncId", c.user_id AS "userId", s.status, s.reason, s.is_forced AS "forced",
       s.queued_at AS "queuedAt", s.started_at AS "startedAt", s.finished_at AS "finishedAt",
       s.requests, s.http_status AS "httpStatus", s.not_modified AS "notModified",
       CASE WHEN s.is_whole THEN 'list' ELSE 'changes' END AS "read", s.wire_bytes AS "wireBytes",
       s.body_bytes AS "bodyBytes", s.created, s.updated, s.deleted, s.unchanged, s.rejected,
       s.problem_count AS "problemCount", s.problems, s.error,
       CASE WHEN row_number() OVER (ORDER BY s.queued_at DESC, s.id DESC) = $4::bigint
	    THEN s.queued_at || '|' || s.id END AS _cursor
FROM calendars AS c
CROSS JOIN LATERAL (
	SELECT * FROM calendar_syncs AS r
	WHERE r.calendar_id = c.id
	  AND (r.queued_at, r.id) < (coalesce($2::timestamptz, 'infinity'),
				     coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
	ORDER BY r.queued_at DESC, r.id DESC
	LIMIT $4::bigint
) AS s
WHERE c.user_id = $1::text
ORDER BY s.queued_at DESC, s.id DESC
