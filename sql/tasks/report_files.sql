-- $1 user or NULL, $2 end of the last row or NULL, $3 its name, $4 limit -> rows: one written file each, the newest period first
WITH page AS (
	SELECT * FROM (
		SELECT * FROM (
			SELECT * FROM report_files
			WHERE user_id = $1::text
			  AND (ends_at, name) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
			ORDER BY ends_at DESC, name DESC LIMIT $4::bigint
		) AS ones
		UNION ALL
		SELECT * FROM (
			SELECT * FROM report_files
			WHERE $1::text IS NULL
			  AND (ends_at, name) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
			ORDER BY ends_at DESC, name DESC LIMIT $4::bigint
		) AS anybodys
	) AS parts
	ORDER BY ends_at DESC, name DESC
	LIMIT $4::bigint
)
SELECT name, user_id AS "userId", starts_at AS start, ends_at AS "end", bytes, written_at AS "writtenAt",
       CASE WHEN row_number() OVER (ORDER BY ends_at DESC, name DESC) = $4::bigint THEN ends_at || '|' || name END
       AS _cursor
FROM page
ORDER BY ends_at DESC, name DESC
