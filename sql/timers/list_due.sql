-- $1 due at or after, $2 due before (NULL: any), $3 scheduled, finished, failed, cancelled or NULL, $4 due time of the last row or NULL, $5 its id, $6 limit -> rows: one timer each, in the order of their due times
-- Every part has an index in that order, and is not run when the status is another. Who is due in the
-- future waits for it; who is due in the past and waits has been tried before. Each index is entered by
-- one bound only: of two, PostgreSQL may begin at the lower.
WITH bounds AS NOT MATERIALIZED (
	SELECT greatest($1::timestamptz, $4::timestamptz, '-infinity') AS since,
	       CASE WHEN $4::timestamptz >= coalesce($1::timestamptz, '-infinity') THEN $5::uuid
		    ELSE '00000000-0000-0000-0000-000000000000' END AS last,
	       coalesce($2::timestamptz, 'infinity') AS until
),
page AS (
	SELECT * FROM (
		SELECT * FROM (
			SELECT s.* FROM timers_shown AS s, bounds
			WHERE ("dueAt", id) > (greatest(since, statement_timestamp() + timers_closing()), last)
			  AND "dueAt" < until AND ("dueAt" > statement_timestamp() + timers_closing()) IS TRUE
			  AND coalesce($3::text, 'scheduled') = 'scheduled'
			ORDER BY "dueAt", id LIMIT $6::bigint
		) AS coming
		UNION ALL
		SELECT * FROM (
			SELECT s.* FROM timers_shown AS s, bounds
			WHERE ("dueAt", id) > (since, last) AND "dueAt" < until
			  AND "dueAt" <= statement_timestamp() + timers_closing()
			  AND $3::text IS NULL
			ORDER BY "dueAt", id LIMIT $6::bigint
		) AS past
		UNION ALL
		SELECT * FROM (
			SELECT s.* FROM timers_shown AS s, bounds
			WHERE ("dueAt", id) > (since, last) AND "dueAt" < until
			  AND "dueAt" <= statement_timestamp() + timers_closing()
			  AND attempts > 0 AND status = 'scheduled' AND $3::text = 'scheduled'
			ORDER BY "dueAt", id LIMIT $6::bigint
		) AS retrying
		UNION ALL
		SELECT * FROM (
			SELECT s.* FROM timers_over_shown AS s, bounds
			WHERE ("dueAt", id) > (since, last) AND "dueAt" < until
			  AND coalesce($3::text, 'finished') = 'finished'
			  AND ($3::text IS NULL OR status = $3::text)
			ORDER BY "dueAt", id LIMIT $6::bigint
		) AS over
		UNION ALL
		SELECT * FROM (
			SELECT s.* FROM timers_over_shown AS s, bounds
			WHERE ("dueAt", id) > (since, last) AND "dueAt" < until
			  AND status <> 'finished' AND status = $3::text AND $3::text IS NOT NULL
			ORDER BY "dueAt", id LIMIT $6::bigint
		) AS lost
	) AS parts
	ORDER BY "dueAt", id
	LIMIT $6::bigint
)
SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs",
       CASE WHEN row_number() OVER (ORDER BY "dueAt", id) = $6::bigint THEN "dueAt" || '|' || id END AS _cursor
FROM page
ORDER BY "dueAt", id
