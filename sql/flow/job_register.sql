-- $1 name, $2 period in seconds -> outcome: registered
-- A known job keeps its due time, unless a shorter period would have it sooner.
WITH registered AS (
	INSERT INTO jobs AS j (name, period_seconds, due_at)
	VALUES ($1::text, $2::bigint, now())
	ON CONFLICT (name) DO UPDATE
	SET period_seconds = excluded.period_seconds,
	    due_at = least(j.due_at, now() + excluded.period_seconds * interval '1 second')
	WHERE j.period_seconds <> excluded.period_seconds
)
SELECT 'registered' AS outcome
