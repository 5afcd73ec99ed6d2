-- $1 provider id, $2 run id -> rows: the run
SELECT s.id AS "syncId", s.provider_id AS "providerId", s.status, s.reason,
       s.queued_at AS "queuedAt", s.started_at AS "startedAt", s.finished_at AS "finishedAt",
       s.attempts, s.http_status AS "httpStatus", s.not_modified AS "notModified",
       s.wire_bytes AS "wireBytes", s.body_bytes AS "bodyBytes", s.events, s.zones, s.created,
       s.updated, s.unchanged, s.rejected, s.vanished, s.problem_count AS "problemCount",
       s.problems, s.error
FROM catalog_syncs AS s JOIN catalog_providers AS p ON p.id = s.provider_id
WHERE p.id = $1::bigint AND p.deleted_at IS NULL AND s.id = $2::uuid
