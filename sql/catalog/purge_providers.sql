-- (nothing) -> outcome: purged
-- Deleted providers of which nothing is left.
WITH gone AS (
	DELETE FROM catalog_providers AS p
	WHERE p.deleted_at IS NOT NULL
	  AND NOT EXISTS (SELECT FROM catalog_events WHERE provider_id = p.id)
	  AND NOT EXISTS (SELECT FROM catalog_syncs WHERE provider_id = p.id)
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
