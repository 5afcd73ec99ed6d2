-- $1 provider id, $2 lease, then text[] each: $3 base ids, $4 event ids, $5 digests, $6 online flags, $7 titles, $8 starts, $9 ends, $10 sell from, $11 sell to, $12 sold out, $13 available, $14 least prices, $15 highest prices, $16 items, $17 zones -> outcome: merged|stale
-- Starts, ends and sale times without an offset are local to the provider's timezone. The edition
-- rises in the same transaction; only who holds the provider's lease may write.
WITH holder AS (
	SELECT id, timezone
	FROM catalog_providers
	WHERE id = $1::bigint AND lease_owner = $2::uuid AND deleted_at IS NULL
	FOR SHARE
),
raised AS (
	UPDATE catalog_state SET edition = edition + 1, changed_at = clock_timestamp()
	WHERE EXISTS (SELECT FROM holder)
	RETURNING edition, pg_notify('almanac_catalog', edition::text)
),
stored AS (
	INSERT INTO catalog_events AS e (provider_id, base_id, event_id, digest, is_online, was_online,
		title, starts_at, ends_at, sell_from, sell_to, sold_out, is_available, min_price,
		max_price, item, zones, edition)
	SELECT holder.id, i.base_id, i.event_id, i.digest::uuid, i.is_online::boolean,
	       i.is_online::boolean, i.title,
	       catalog_instant(i.starts_at, holder.timezone),
	       catalog_instant(i.ends_at, holder.timezone),
	       catalog_instant(i.sell_from, holder.timezone),
	       catalog_instant(i.sell_to, holder.timezone),
	       i.sold_out::boolean, i.is_available::boolean, i.min_price::numeric,
	       i.max_price::numeric, i.item, i.zones::json, raised.edition
	FROM holder, raised,
	     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
		    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
		    $16::text[], $17::text[])
	     AS i (base_id, event_id, digest, is_online, title, starts_at, ends_at, sell_from, sell_to,
		   sold_out, is_available, min_price, max_price, item, zones)
	ON CONFLICT (provider_id, base_id, event_id) DO UPDATE
	SET is_online = excluded.is_online,
	    was_online = e.was_online OR excluded.is_online,
	    last_seen_at = NULL,
	    edition = excluded.edition,
	    (digest, title, starts_at, ends_at, sell_from, sell_to, sold_out, is_available, min_price,
	     max_price, item, zones) =
	    (SELECT x.digest, x.title, x.starts_at, x.ends_at, x.sell_from, x.sell_to, x.sold_out,
		    x.is_available, x.min_price, x.max_price, x.item, x.zones
	     FROM (VALUES (true, excluded.digest, excluded.title, excluded.starts_at, excluded.ends_at,
			   excluded.sell_from, excluded.sell_to, excluded.sold_out,
			   excluded.is_available, excluded.min_price, excluded.max_price,
			   excluded.item, excluded.zones),
			  (false, e.digest, e.title, e.starts_at, e.ends_at, e.sell_from, e.sell_to,
			   e.sold_out, e.is_available, e.min_price, e.max_price, e.item, e.zones))
		  AS x (is_new, digest, title, starts_at, ends_at, sell_from, sell_to, sold_out,
			is_available, min_price, max_price, item, zones)
	     WHERE x.is_new = (excluded.is_online OR NOT e.was_online))
	RETURNING xmax = 0 AS is_created
)
SELECT CASE WHEN EXISTS (SELECT FROM holder) THEN 'merged' ELSE 'stale' END AS outcome,
       count(*) FILTER (WHERE is_created) AS created,
       count(*) FILTER (WHERE NOT is_created) AS updated,
       (SELECT max(edition) FROM raised) AS edition
FROM stored
