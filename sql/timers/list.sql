-- $1 id of the last row or NULL, $2 limit -> rows: one timer each, the newest first
SELECT l.*, CASE WHEN row_number() OVER (ORDER BY l.id DESC) = $2::bigint THEN l.id::text END AS _cursor
FROM (
	(SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
	       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs"
	FROM timers_shown
	WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
	ORDER BY id DESC
	LIMIT $2::bigint)
	UNION ALL
	(SELECT id, url, method, "dueAt", "timeLeft", status, attempts, "maxAttempts", "nextAttemptAt",
	       "lastAttempt", "createdAt", "finishedAt", metadata, "timeoutMs"
	FROM timers_over_shown
	WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
	ORDER BY id DESC
	LIMIT $2::bigint)
	ORDER BY id DESC
	LIMIT $2::bigint
) AS l
ORDER BY l.id DESC
