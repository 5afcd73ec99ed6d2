-- $1 user id, $2 start, $3 limit, $4 from or NULL, $5 to or NULL -> rows: one, the user's source and a page of what overlaps as JSON texts; without a source when the user is not known
SELECT c.kind AS _kind, c.url AS _url, c.timezone AS _timezone, n.total, c.synced_at AS "syncedAt", p.items
FROM (VALUES (1)) AS always (one)
LEFT JOIN calendars AS c ON c.user_id = $1::text
LEFT JOIN LATERAL (
	SELECT count(*) AS total
	FROM (
		SELECT FROM calendar_events AS o
		WHERE o.calendar_id = c.id AND o.deleted_at IS NULL
		  AND ($5::timestamptz IS NULL OR o.starts_at < $5::timestamptz)
		  AND ($4::timestamptz IS NULL OR o.starts_at >= $4::timestamptz OR o.ends_at > $4::timestamptz)
		LIMIT 5000
	) AS o
) AS n ON true
LEFT JOIN LATERAL (
	SELECT string_agg(e.item, ',') AS items
	FROM (
		SELECT o.item FROM calendar_events AS o
		WHERE o.calendar_id = c.id AND o.deleted_at IS NULL
		  AND ($5::timestamptz IS NULL OR o.starts_at < $5::timestamptz)
		  AND ($4::timestamptz IS NULL OR o.starts_at >= $4::timestamptz OR o.ends_at > $4::timestamptz)
		ORDER BY o.starts_at, o.id
		OFFSET $2::bigint
		LIMIT greatest(0, least($3::bigint, 5000 - $2::bigint))
	) AS e
) AS p ON true
