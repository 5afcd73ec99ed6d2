-- $1 run, $2 start, $3 end (microseconds since 1970), then for each file (text[]): $4 names, $5 users, $6 sizes, and $7 ids (text[]) of tasks that are told for good, $8 seen before (microseconds) -> outcome: recorded|stale
WITH mine AS (
	SELECT run FROM report_state WHERE run = $1::uuid FOR SHARE
),
written AS (
	INSERT INTO report_files AS f (name, user_id, starts_at, ends_at, bytes, written_at)
	SELECT n.name, n.user_id, 'epoch'::timestamptz + $2::bigint * interval '1 microsecond',
	       'epoch'::timestamptz + $3::bigint * interval '1 microsecond', n.bytes::bigint, clock_timestamp()
	FROM mine, unnest($4::text[], $5::text[], $6::text[]) AS n (name, user_id, bytes)
	ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, written_at = excluded.written_at
),
over AS (
	UPDATE tasks AS t SET is_listed = false
	FROM mine
	WHERE t.id = ANY ($7::text[]) AND t.is_listed
	  AND reports_is_over(t, 'epoch'::timestamptz + $2::bigint * interval '1 microsecond',
			      'epoch'::timestamptz + $8::bigint * interval '1 microsecond')
)
SELECT CASE WHEN EXISTS (SELECT FROM mine) THEN 'recorded' ELSE 'stale' END AS outcome
