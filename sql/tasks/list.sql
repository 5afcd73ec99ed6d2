-- $1 user or NULL, $2 status or NULL, $3 id of the last row or NULL, $4 limit -> rows: one task each, by id
WITH page AS (
	SELECT * FROM (
		SELECT * FROM (
			SELECT * FROM tasks
			WHERE is_listed AND user_id = $1::text AND id > coalesce($3::text, '')
			  AND created_at IS NOT NULL
			  AND ($2::text IS NULL OR $2::text = CASE WHEN deleted_at IS NOT NULL THEN 'deleted'
				WHEN completed_at IS NOT NULL THEN 'completed' ELSE 'open' END)
			ORDER BY id LIMIT $4::bigint
		) AS listed
		UNION ALL
		SELECT * FROM (
			SELECT * FROM tasks
			WHERE NOT is_listed AND user_id = $1::text AND id > coalesce($3::text, '')
			  AND created_at IS NOT NULL
			  AND ($2::text IS NULL OR $2::text = CASE WHEN deleted_at IS NOT NULL THEN 'deleted'
				WHEN completed_at IS NOT NULL THEN 'completed' ELSE 'open' END)
			ORDER BY id LIMIT $4::bigint
		) AS told
		UNION ALL
		SELECT * FROM (
			SELECT * FROM tasks
			WHERE $1::text IS NULL AND id > coalesce($3::text, '')
			  AND created_at IS NOT NULL
			  AND ($2::text IS NULL OR $2::text = CASE WHEN deleted_at IS NOT NULL THEN 'deleted'
				WHEN completed_at IS NOT NULL THEN 'completed' ELSE 'open' END)
			ORDER BY id LIMIT $4::bigint
		) AS anybodys
	) AS parts
	ORDER BY id
	LIMIT $4::bigint
)
SELECT id, user_id AS "userId", content,
       CASE WHEN deleted_at IS NOT NULL THEN 'deleted' WHEN completed_at IS NOT NULL THEN 'completed' ELSE 'open' END
       AS status,
       created_at AS "createdAt", completed_at AS "completedAt", deleted_at AS "deletedAt",
       CASE WHEN row_number() OVER (ORDER BY id) = $4::bigint THEN id END AS _cursor
FROM page
ORDER BY id
