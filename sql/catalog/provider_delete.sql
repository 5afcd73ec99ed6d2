-- $1 id -> outcome: deleted|not_found
-- Its events are hidden with this commit; catalog-purge removes their rows.
WITH gone AS (
	UPDATE catalog_providers SET deleted_at = now(), lease_owner = NULL, lease_until = NULL
	WHERE id = $1::bigint AND deleted_at IS NULL
	RETURNING id
),
closed AS (
	UPDATE catalog_syncs SET status = 'failed', finished_at = now(), error = 'the provider was deleted'
	WHERE provider_id IN (SELECT id FROM gone) AND status IN ('queued', 'running')
),
raised AS (
	UPDATE catalog_state SET edition = edition + 1, removed_edition = edition + 1, changed_at = now()
	WHERE EXISTS (SELECT FROM gone)
	RETURNING pg_notify('almanac_catalog', edition::text)
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-purge' AND EXISTS (SELECT FROM gone)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN EXISTS (SELECT FROM gone) THEN 'deleted' ELSE 'not_found' END AS outcome,
       (SELECT count(*) FROM raised) + (SELECT count(*) FROM woken) AS _told
