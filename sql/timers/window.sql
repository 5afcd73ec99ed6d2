-- $1 shards (text[]), $2 time of the last row in microseconds, $3 its id, $4 until (microseconds), $5 limit -> rows: id, shard, next_us, destination, now_us, beyond_us; one row with id NULL when there is none
-- The timers of these shards behind that row and before that time, in the order (next_at, id); and when
-- the first one behind it is due. By the index over (next_at, id).
WITH page AS MATERIALIZED (
	SELECT t.id, t.shard, t.next_at, t.destination
	FROM timers AS t
	WHERE (t.next_at, t.id) > ('epoch'::timestamptz + $2::bigint * interval '1 microsecond', $3::uuid)
	  AND t.next_at < 'epoch'::timestamptz + $4::bigint * interval '1 microsecond'
	  AND t.shard = ANY ($1::text[]::smallint[])
	ORDER BY t.next_at, t.id
	LIMIT $5::bigint
),
beyond AS MATERIALIZED (
	SELECT t.next_at
	FROM timers AS t
	WHERE t.next_at >= 'epoch'::timestamptz + $4::bigint * interval '1 microsecond'
	  AND t.shard = ANY ($1::text[]::smallint[])
	ORDER BY t.next_at
	LIMIT 1
)
SELECT p.id, p.shard, (date_part('epoch', p.next_at) * 1000000)::bigint AS next_us, p.destination,
       (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS now_us,
       (SELECT (date_part('epoch', next_at) * 1000000)::bigint FROM beyond) AS beyond_us
FROM (VALUES (1)) AS always (one) LEFT JOIN page AS p ON true
ORDER BY p.next_at, p.id
