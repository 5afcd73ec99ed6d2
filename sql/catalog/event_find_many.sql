-- $1 uuids -> rows: the events
-- As event_find.sql.
SELECT e.*, t.place AS _place
FROM unnest($1::text[]) WITH ORDINALITY AS t (uuid, place),
     LATERAL (SELECT e.uuid AS _uuid, e.item AS _item, p.id AS _provider, p.name AS _name, e.starts_at, e.ends_at, e.sell_from,
		     e.sell_to, e.sold_out, e.is_available AS available, e.is_online AS online, e.base_id, e.event_id,
		     e.first_seen_at, coalesce(e.last_seen_at, p.last_synced_at) AS last_seen_at, e.zones
	      FROM catalog_events AS e JOIN catalog_providers AS p ON p.id = e.provider_id
	      WHERE e.uuid = t.uuid::uuid AND p.deleted_at IS NULL
	      LIMIT 1) AS e
