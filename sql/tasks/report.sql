-- $1 user, $2 start or NULL, $3 end or NULL, $4 interval in seconds, $5 limit -> rows: starts_us, ends_us, is_wrong (start behind end), then list, id, content, at_us of each task; one row with list NULL when there is none
-- Without an end it is now, without a start one interval before the end.
WITH bounds AS (
	SELECT coalesce($2::timestamptz, e.ends - $4::bigint * interval '1 second') AS starts, e.ends
	FROM (SELECT coalesce($3::timestamptz, now()) AS ends) AS e
)
SELECT (extract(epoch FROM b.starts) * 1000000)::bigint AS starts_us,
       (extract(epoch FROM b.ends) * 1000000)::bigint AS ends_us, b.starts > b.ends AS is_wrong,
       m.list, m.id, m.content, (extract(epoch FROM m.at) * 1000000)::bigint AS at_us
FROM bounds AS b LEFT JOIN LATERAL (
	SELECT p.list, t.id, t.content, p.at
	FROM tasks AS t, LATERAL reports_place(t, b.starts, b.ends, NULL, 'infinity') AS p
	WHERE t.user_id = $1::text AND t.is_listed IN (true, false) AND p.list IS NOT NULL AND b.starts <= b.ends
	LIMIT $5::bigint
) AS m ON true
ORDER BY m.id
