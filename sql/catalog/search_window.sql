-- $1 earliest start, $2 latest start, $3 earliest end, $4 latest end, $5 provider, $6 least price, $7 highest price, $8 available only, $9 with offline, $10 cursor start in microseconds, $11 cursor id, $12 limit, $13 with total -> rows: _id, _uuid, _item, _start, _total
-- In the order (start, id), by the index over it, which holds all that is filtered by: only rows that
-- are shown are fetched. What is NULL does not limit. An event without end ends when it starts. The
-- CASE keeps the planner, which knows no values, from taking the filters for so narrow that it would
-- sort what the index has in order. Past the end there is one row with _id NULL, for the total.
WITH hidden AS MATERIALIZED (
	SELECT coalesce(array_agg(id), '{}') AS ids FROM catalog_providers WHERE deleted_at IS NOT NULL
),
page AS MATERIALIZED (
	SELECT e.id, e.starts_at
	FROM catalog_events AS e
	WHERE e.starts_at >= greatest($1::timestamptz, '-infinity',
				      'epoch'::timestamptz + $10::bigint * interval '1 microsecond')
	  AND e.starts_at <= coalesce($2::timestamptz, 'infinity')
	  AND ($10::bigint IS NULL OR e.id > $11::bigint
	       OR e.starts_at > 'epoch'::timestamptz + $10::bigint * interval '1 microsecond')
	  AND CASE WHEN
		($3::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) >= $3::timestamptz)
		AND ($4::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) <= $4::timestamptz)
		AND ($5::bigint IS NULL OR e.provider_id = $5::bigint)
		AND ($6::numeric IS NULL OR e.max_price >= $6::numeric)
		AND ($7::numeric IS NULL OR e.min_price <= $7::numeric)
		AND (NOT coalesce($8::boolean, false) OR e.is_available)
		AND (e.was_online OR coalesce($9::boolean, false))
		AND e.provider_id <> ALL ((SELECT ids FROM hidden)::bigint[])
	  THEN true END
	ORDER BY e.starts_at, e.id
	LIMIT $12::bigint
)
SELECT e.id AS _id, e.uuid AS _uuid, e.item AS _item, (date_part('epoch', e.starts_at) * 1000000)::bigint AS _start,
       CASE WHEN $13::boolean THEN (
		SELECT count(*)
		FROM catalog_events AS e
		WHERE e.starts_at >= coalesce($1::timestamptz, '-infinity')
		  AND e.starts_at <= coalesce($2::timestamptz, 'infinity')
		  AND CASE WHEN
			($3::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) >= $3::timestamptz)
			AND ($4::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) <= $4::timestamptz)
			AND ($5::bigint IS NULL OR e.provider_id = $5::bigint)
			AND ($6::numeric IS NULL OR e.max_price >= $6::numeric)
			AND ($7::numeric IS NULL OR e.min_price <= $7::numeric)
			AND (NOT coalesce($8::boolean, false) OR e.is_available)
			AND (e.was_online OR coalesce($9::boolean, false))
			AND e.provider_id <> ALL ((SELECT ids FROM hidden)::bigint[])
		  THEN true END
       ) END AS _total
FROM (VALUES (1)) AS always (one)
LEFT JOIN (page JOIN catalog_events AS e USING (id)) ON true
ORDER BY page.starts_at, page.id
