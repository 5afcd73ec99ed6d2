-- $1 earliest start, $2 latest start, $3 earliest end, $4 latest end, $5 provider, $6 least price, $7 highest price, $8 available only, $9 with offline, $10 cursor number, $11 cursor id, $12 limit, $13 with total, $14 words, $15 order, $16 cursor title, $17 rows to skip -> rows: _id, _uuid, _item, _number, _title, _total
-- As search_text (words NULL: all titles), in another order: start, end, min_price, max_price, title,
-- each also with a minus in front for the reverse. Everything found is sorted; ties go by id; what
-- has no price comes last; of titles the first 150 characters count, so that they fit into cursors. Past the end there is one row with _id NULL, for the total. Of the two ways
-- to the events, by start and by words, one gives nothing.
WITH hidden AS MATERIALIZED (
	SELECT coalesce(array_agg(id), '{}') AS ids FROM catalog_providers WHERE deleted_at IS NOT NULL
),
found AS MATERIALIZED (
	SELECT e.id,
	       CASE $15::text
		       WHEN 'start' THEN extract(epoch FROM e.starts_at)
		       WHEN '-start' THEN -extract(epoch FROM e.starts_at)
		       WHEN 'end' THEN extract(epoch FROM coalesce(e.ends_at, e.starts_at))
		       WHEN '-end' THEN -extract(epoch FROM coalesce(e.ends_at, e.starts_at))
		       WHEN 'min_price' THEN coalesce(e.min_price, 'Infinity')
		       WHEN '-min_price' THEN coalesce(-e.min_price, 'Infinity')
		       WHEN 'max_price' THEN coalesce(e.max_price, 'Infinity')
		       WHEN '-max_price' THEN coalesce(-e.max_price, 'Infinity')
		       ELSE 0
	       END AS number,
	       CASE WHEN $15::text IN ('title', '-title') THEN left(lower(e.title), 150) COLLATE "C" ELSE '' END AS title
	FROM (
		SELECT * FROM catalog_events
		WHERE $14::text IS NULL
		  AND starts_at >= coalesce($1::timestamptz, '-infinity')
		  AND starts_at <= coalesce($2::timestamptz, 'infinity')
		UNION ALL
		SELECT * FROM catalog_events
		WHERE to_tsvector('simple', title) @@ websearch_to_tsquery('simple', $14::text)
	) AS e
	WHERE ($1::timestamptz IS NULL OR e.starts_at >= $1::timestamptz)
	  AND ($2::timestamptz IS NULL OR e.starts_at <= $2::timestamptz)
	  AND ($3::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) >= $3::timestamptz)
	  AND ($4::timestamptz IS NULL OR coalesce(e.ends_at, e.starts_at) <= $4::timestamptz)
	  AND ($5::bigint IS NULL OR e.provider_id = $5::bigint)
	  AND ($6::numeric IS NULL OR e.max_price >= $6::numeric)
	  AND ($7::numeric IS NULL OR e.min_price <= $7::numeric)
	  AND (NOT coalesce($8::boolean, false) OR e.is_available)
	  AND (e.was_online OR coalesce($9::boolean, false))
	  AND e.provider_id <> ALL ((SELECT ids FROM hidden)::bigint[])
),
page AS MATERIALIZED (
	SELECT id, number, title
	FROM found
	WHERE $11::bigint IS NULL
	   OR number > $10::numeric
	   OR (number = $10::numeric
	       AND (CASE WHEN $15::text = '-title' THEN title < $16::text ELSE title > $16::text END
		    OR (title = $16::text AND id > $11::bigint)))
	ORDER BY number, CASE WHEN $15::text = 'title' THEN title END,
		 CASE WHEN $15::text = '-title' THEN title END DESC, id
	LIMIT $12::bigint OFFSET coalesce($17::bigint, 0)
),
placed AS (
	SELECT id, number, title,
	       row_number() OVER (ORDER BY number, CASE WHEN $15::text = 'title' THEN title END,
				  CASE WHEN $15::text = '-title' THEN title END DESC, id) AS place
	FROM page
)
SELECT e.id AS _id, e.uuid AS _uuid, e.item AS _item, placed.number AS _number, placed.title AS _title,
       CASE WHEN $13::boolean THEN (SELECT count(*) FROM found) END AS _total
FROM (VALUES (1)) AS always (one)
LEFT JOIN (placed JOIN catalog_events AS e USING (id)) ON true
ORDER BY placed.place
