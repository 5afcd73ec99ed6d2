-- $1 limit -> outcome: purged
-- Rows of deleted providers, as many as one batch may take.
WITH gone AS (
	DELETE FROM catalog_events
	WHERE id IN (
		SELECT e.id
		FROM catalog_events AS e JOIN catalog_providers AS p ON p.id = e.provider_id
		WHERE p.deleted_at IS NOT NULL
		LIMIT $1::bigint
	)
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
