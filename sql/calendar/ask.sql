-- $1 user id, $2 whether more than half may vanish, $3 request id, $4 traceparent or NULL, $5 period in seconds -> outcome: queued
SELECT 'queued' AS outcome, '/api/v1/syncs/' || s.id AS _location, s.id AS "syncId", $1::text AS "userId",
       s.status, s.queued_at AS "queuedAt", s.started_at AS "startedAt"
FROM calendar_ask($1::text, $2::boolean, $3::text, $4::text, $5::bigint) AS s
