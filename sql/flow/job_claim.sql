-- $1 names (text[]), $2 run ids (uuid[], one for each name), $3 lease seconds (bigint[]), $4 this run of the daemon -> outcome: claimed
-- A job that is due and not held, or held by this very run id (the claim is asked again), is claimed.
-- Each name is answered, with the microseconds to wait until it is worth asking again.
WITH wanted AS (
	SELECT name, run::uuid AS run, lease::bigint AS lease
	FROM unnest($1::text[], $2::text[], $3::text[]) AS w (name, run, lease)
),
due AS (
	SELECT j.name
	FROM jobs AS j JOIN wanted USING (name)
	WHERE j.due_at <= now()
	  AND (j.lease_until IS NULL OR j.lease_until <= now() OR j.lease_owner = wanted.run)
	FOR UPDATE OF j SKIP LOCKED
),
claimed AS (
	UPDATE jobs AS j
	SET lease_owner = w.run, lease_until = now() + w.lease * interval '1 second',
	    started_at = now(), runs = j.runs + 1, daemon = $4::uuid
	FROM wanted AS w JOIN due USING (name)
	WHERE j.name = w.name
	RETURNING j.name
)
SELECT 'claimed' AS outcome, j.name, c.name IS NOT NULL AS is_claimed,
       greatest(0, ceil(date_part('epoch', greatest(j.due_at, coalesce(j.lease_until, j.due_at)) - now()) * 1000000))::bigint
       AS wait_us
FROM jobs AS j JOIN wanted USING (name) LEFT JOIN claimed AS c USING (name)
ORDER BY j.name
