-- $1 limit -> outcome: purged
-- Facts about a task that was never created wait for 30 days; then they stay in the audit only.
WITH gone AS (
	DELETE FROM tasks
	WHERE id IN (
		SELECT id FROM tasks
		WHERE NOT is_listed AND user_id = '' AND created_at IS NULL
		  AND first_seen_at < now() - interval '30 days'
		LIMIT $1::bigint)
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
