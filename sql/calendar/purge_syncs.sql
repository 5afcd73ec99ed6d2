-- $1 days to keep, $2 limit -> outcome: purged
WITH gone AS (
	DELETE FROM calendar_syncs
	WHERE id IN (SELECT id FROM calendar_syncs WHERE finished_at < now() - $1::bigint * interval '1 day'
		     LIMIT $2::bigint)
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
