-- $1 start, $2 end, $3 seen before, $4 received until (microseconds since 1970), $5 user and $6 id of the last row, $7 limit -> rows: user_id, id, content, list, at_us, is_late, is_over
-- All that may still be told, user by user; list is NULL for what is not told this time.
WITH bounds AS (
	SELECT 'epoch'::timestamptz + $1::bigint * interval '1 microsecond' AS starts,
	       'epoch'::timestamptz + $2::bigint * interval '1 microsecond' AS ends,
	       'epoch'::timestamptz + $3::bigint * interval '1 microsecond' AS seen,
	       'epoch'::timestamptz + $4::bigint * interval '1 microsecond' AS due
)
SELECT t.user_id, t.id, t.content, p.list, (extract(epoch FROM p.at) * 1000000)::bigint AS at_us, p.is_late,
       reports_is_over(t, bounds.starts, bounds.seen) AS is_over
FROM bounds, LATERAL (
	SELECT * FROM tasks
	WHERE is_listed AND (user_id, id) > ($5::text, $6::text)
	ORDER BY user_id, id
	LIMIT $7::bigint
) AS t, LATERAL reports_place(t, bounds.starts, bounds.ends, bounds.seen, bounds.due) AS p
ORDER BY t.user_id, t.id
