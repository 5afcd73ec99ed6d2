-- $1 provider id, $2 request id, $3 traceparent -> outcome: queued|not_found
-- Asking again while a run is queued or running gives that run.
WITH provider AS (
	SELECT id FROM catalog_providers WHERE id = $1::bigint AND deleted_at IS NULL
),
asked AS (
	INSERT INTO catalog_syncs AS s (provider_id, status, reason, request_id, traceparent)
	SELECT id, 'queued', 'request', $2::text, $3::text
	FROM provider
	ON CONFLICT (provider_id) WHERE status IN ('queued', 'running')
	DO UPDATE SET reason = s.reason
	RETURNING s.*
),
due AS (
	UPDATE catalog_providers SET next_sync_at = now()
	WHERE id IN (SELECT provider_id FROM asked WHERE status = 'queued')
	RETURNING id
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-sync' AND EXISTS (SELECT FROM due)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN a.id IS NULL THEN 'not_found' ELSE 'queued' END AS outcome,
       (SELECT count(*) FROM woken) AS _woken,
       '/api/v1/providers/' || a.provider_id || '/syncs/' || a.id AS _location,
       a.id AS "syncId", a.provider_id AS "providerId", a.status, a.queued_at AS "queuedAt",
       a.started_at AS "startedAt"
FROM (VALUES (1)) AS always (one) LEFT JOIN asked AS a ON true
