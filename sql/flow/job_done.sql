-- $1 name, $2 run id, $3 microseconds until the next run, or NULL for the period -> outcome: done|stale
-- The due time moves on by whole periods from the last one, so that runs do not drift. A due time
-- that was moved while the run went on stays: whoever moves it writes clock_timestamp(), which is later
-- than the claim, while now() of a transaction that waited for the claim would be earlier.
WITH done AS (
	UPDATE jobs AS j
	SET lease_owner = NULL, lease_until = NULL, finished_at = now(),
	    due_at = CASE
		WHEN j.due_at > j.started_at THEN j.due_at
		WHEN $3::bigint IS NOT NULL THEN now() + $3::bigint * interval '1 microsecond'
		WHEN j.due_at + j.period_seconds * interval '1 second' > now()
			THEN j.due_at + j.period_seconds * interval '1 second'
		ELSE now() + j.period_seconds * interval '1 second'
	    END
	WHERE j.name = $1::text AND j.lease_owner = $2::uuid
	RETURNING j.name
)
SELECT CASE WHEN EXISTS (SELECT FROM done) THEN 'done' ELSE 'stale' END AS outcome
