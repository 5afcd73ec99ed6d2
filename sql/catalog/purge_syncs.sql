-- $1 days to keep, $2 limit -> outcome: purged
-- Records of finished runs that are old enough, and those of deleted providers without events.
WITH gone AS (
	DELETE FROM catalog_syncs
	WHERE id IN (
		SELECT s.id
		FROM catalog_syncs AS s JOIN catalog_providers AS p ON p.id = s.provider_id
		WHERE s.finished_at < now() - $1::bigint * interval '1 day' OR p.deleted_at IS NOT NULL
		LIMIT $2::bigint
	)
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
