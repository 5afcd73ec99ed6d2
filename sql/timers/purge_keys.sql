-- $1 limit -> outcome: purged
WITH gone AS (
	DELETE FROM timer_keys
	WHERE key IN (SELECT key FROM timer_keys WHERE created_at < now() - interval '24 hours' LIMIT $1::bigint)
	RETURNING key
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
