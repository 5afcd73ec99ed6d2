-- $1 id of the last row or NULL, $2 due at or after, $3 due before (NULL: any), $4 limit -> rows: one timer each, the newest first
-- As list_scheduled.sql, for due times that are few among many: those who wait for their first attempt are
-- due then, so the index over the next attempts finds them; the others have one of their own.
SELECT l.*, CASE WHEN row_number() OVER (ORDER BY l.id DESC) = $4::bigint THEN l.id::text END AS _cursor
FROM (
	(SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
	       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs"
	FROM timers_shown
	WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AND status = 'scheduled'
	  AND attempts = 0 AND "nextAttemptAt" >= coalesce($2::timestamptz, '-infinity')
	  AND "nextAttemptAt" < coalesce($3::timestamptz, 'infinity')
	ORDER BY id DESC
	LIMIT $4::bigint)
	UNION ALL
	(SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
	       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs"
	FROM timers_shown
	WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AND status = 'scheduled'
	  AND attempts > 0 AND "dueAt" >= coalesce($2::timestamptz, '-infinity')
	  AND "dueAt" < coalesce($3::timestamptz, 'infinity')
	ORDER BY id DESC
	LIMIT $4::bigint)
	ORDER BY id DESC
	LIMIT $4::bigint
) AS l
ORDER BY l.id DESC
