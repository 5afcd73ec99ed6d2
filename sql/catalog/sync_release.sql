-- $1 provider id, $2 lease -> outcome: released|stale
-- The daemon stops: the run is queued again, and due at once.
WITH holder AS (
	UPDATE catalog_providers SET lease_owner = NULL, lease_until = NULL, next_sync_at = now()
	WHERE id = $1::bigint AND lease_owner = $2::uuid
	RETURNING id
),
told AS (
	UPDATE catalog_syncs SET status = 'queued', started_at = NULL
	WHERE provider_id = $1::bigint AND status = 'running' AND EXISTS (SELECT FROM holder)
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-sync' AND EXISTS (SELECT FROM holder)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN EXISTS (SELECT FROM holder) THEN 'released' ELSE 'stale' END AS outcome,
       (SELECT count(*) FROM woken) AS _woken
