-- $1 earliest start, $2 latest start, $3 earliest end, $4 latest end, $5 provider, $6 least price, $7 highest price, $8 available only, $9 with offline, $10 cursor start in microseconds, $11 cursor id, $12 limit, $13 with total, $14 words -> rows: _id, _uuid, _item, _start, _total
-- As search_window, among the titles that match the words (websearch_to_tsquery: "a phrase", or,
-- -not), found by the index over titles: OFFSET 0 keeps the planner from walking the index over starts.
-- Past the end there is one row with _id NULL, for the total.
WITH hidden AS MATERIALIZED (
	SELECT coalesce(array_agg(id), '{}') AS ids FROM catalog_providers WHERE deleted_at IS NOT NULL
)
SELECT page.id AS _id, page.uuid AS _uuid, page.item AS _item,
       (date_part('epoch', page.starts_at) * 1000000)::bigint AS _start,
       CASE WHEN $13::boolean THEN (
		SELECT count(*)
		FROM catalog_events AS e
		WHERE to_tsvector('simple', e.title) @@ websearch_to_tsquery('simple', $14::text)
		  AND ($1::timestamptz IS NULL OR e.starts_at >= $1::timestamptz)
		  AND ($2::timestamptz IS NULL OR e.starts_at <= $2::timestamptz)
		  AND ($3::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) >= $3::timestamptz)
		  AND ($4::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) <= $4::timestamptz)
		  AND ($5::bigint IS NULL OR e.provider_id = $5::bigint)
		  AND ($6::numeric IS NULL OR e.max_price >= $6::numeric)
		  AND ($7::numeric IS NULL OR e.min_price <= $7::numeric)
		  AND (NOT coalesce($8::boolean, false) OR e.is_available)
		  AND (e.was_online OR coalesce($9::boolean, false))
		  AND e.provider_id <> ALL ((SELECT ids FROM hidden)::bigint[])
       ) END AS _total
FROM (VALUES (1)) AS always (one)
LEFT JOIN (
	SELECT *
	FROM (
		SELECT e.id, e.uuid, e.item, e.starts_at
		FROM catalog_events AS e
		WHERE to_tsvector('simple', e.title) @@ websearch_to_tsquery('simple', $14::text)
		  AND ($1::timestamptz IS NULL OR e.starts_at >= $1::timestamptz)
		  AND ($2::timestamptz IS NULL OR e.starts_at <= $2::timestamptz)
		  AND ($3::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) >= $3::timestamptz)
		  AND ($4::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) <= $4::timestamptz)
		  AND ($5::bigint IS NULL OR e.provider_id = $5::bigint)
		  AND ($6::numeric IS NULL OR e.max_price >= $6::numeric)
		  AND ($7::numeric IS NULL OR e.min_price <= $7::numeric)
		  AND (NOT coalesce($8::boolean, false) OR e.is_available)
		  AND (e.was_online OR coalesce($9::boolean, false))
		  AND e.provider_id <> ALL ((SELECT ids FROM hidden)::bigint[])
		OFFSET 0
	) AS found
	WHERE $10::bigint IS NULL
	   OR (found.starts_at, found.id)
	      > ('epoch'::timestamptz + $10::bigint * interval '1 microsecond', $11::bigint)
	ORDER BY found.starts_at, found.id
	LIMIT $12::bigint
) AS page ON true
ORDER BY page.starts_at, page.id
