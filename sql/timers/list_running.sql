-- $1 due at or after, $2 due before (NULL: any), $3 next attempt of the last row or NULL, $4 its id, $5 limit -> rows: one timer each, in the order of their attempts
-- By the index over the next attempts: few are running. That over due times is of no use here, hence IS TRUE.
SELECT l.*, CASE WHEN row_number() OVER (ORDER BY l."nextAttemptAt", l.id) = $5::bigint
		 THEN l."nextAttemptAt" || '|' || l.id END AS _cursor
FROM (
	SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
	       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs"
	FROM timers_shown
	WHERE ("nextAttemptAt", id) > (coalesce($3::timestamptz, '-infinity'), coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
	  AND "nextAttemptAt" <= statement_timestamp() + timers_closing()
	  AND ("dueAt" >= coalesce($1::timestamptz, '-infinity')) IS TRUE
	  AND ("dueAt" < coalesce($2::timestamptz, 'infinity')) IS TRUE
	ORDER BY "nextAttemptAt", id
	LIMIT $5::bigint
) AS l
ORDER BY l."nextAttemptAt", l.id
