-- $1 run -> outcome: finished|stale
WITH finished AS (
	UPDATE report_state
	SET told_until = ends_at, seen_until = due_until, ends_at = NULL, due_until = NULL, run = NULL, written_at = now()
	WHERE run = $1::uuid AND ends_at IS NOT NULL
	RETURNING run
)
SELECT CASE WHEN EXISTS (SELECT FROM finished) THEN 'finished' ELSE 'stale' END AS outcome
