-- $1 days to keep, $2 limit -> outcome: purged
-- Events that vanished from their source. One may be back by the time its row is locked: it is judged again.
WITH gone AS (
	DELETE FROM calendar_events
	WHERE (calendar_id, id) IN (
		SELECT calendar_id, id FROM calendar_events
		WHERE deleted_at < now() - $1::bigint * interval '1 day'
		LIMIT $2::bigint
	)
	AND deleted_at < now() - $1::bigint * interval '1 day'
	RETURNING id
)
SELECT 'purged' AS outcome, count(*) AS purged FROM gone
