-- $1 limit -> outcome: purged
WITH gone AS (
	DELETE FROM webhook_keys
	WHERE key IN (SELECT key FROM webhook_keys WHERE created_at < now() - interval '7 days' LIMIT $1::bigint)
	RETURNING key
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
