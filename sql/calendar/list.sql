-- $1 user id, $2 start, $3 limit -> rows: one, the user's source and a page of the list as JSON texts; without a source when the user is not known
-- A page begins at the mark before it: how far it is costs nothing.
SELECT c.kind AS _kind, c.url AS _url, c.timezone AS _timezone, least(c.events, 5000) AS total,
       c.synced_at AS "syncedAt", p.items
FROM (VALUES (1)) AS always (one)
LEFT JOIN calendars AS c ON c.user_id = $1::text
LEFT JOIN calendar_marks AS m ON m.calendar_id = c.id AND m.place = $2::bigint / 50
LEFT JOIN LATERAL (
	SELECT string_agg(e.item, ',') AS items
	FROM (
		SELECT o.item FROM calendar_events AS o
		WHERE o.calendar_id = c.id AND o.deleted_at IS NULL
		  AND (o.starts_at, o.id) >= (m.starts_at, m.event_id)
		ORDER BY o.starts_at, o.id
		OFFSET $2::bigint % 50
		LIMIT greatest(0, least($3::bigint, 5000 - $2::bigint))
	) AS e
) AS p ON true
