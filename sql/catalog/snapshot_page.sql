-- $1 first place, $2 place behind the last (tid: block and row) -> rows: id, uuid, start_us, end_us, item
-- The searchable catalog as it lies on the disk: blocks one after the other are read far quicker
-- than in the order of searches.
SELECT e.id, e.uuid, (date_part('epoch', e.starts_at) * 1000000)::bigint AS start_us,
       (date_part('epoch', coalesce(e.ends_at, e.starts_at)) * 1000000)::bigint AS end_us, e.item
FROM catalog_events AS e
WHERE e.ctid >= $1::tid AND e.ctid < $2::tid
  AND e.was_online
  AND e.provider_id <> ALL (ARRAY(SELECT id FROM catalog_providers WHERE deleted_at IS NOT NULL))
