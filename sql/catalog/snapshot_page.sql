-- $1 start of the last row in microseconds, $2 its id, $3 limit -> rows: id, uuid, start_us, end_us, item
-- The whole searchable catalog in the order (start, id), page by page.
SELECT e.id, e.uuid, (date_part('epoch', e.starts_at) * 1000000)::bigint AS start_us,
       (date_part('epoch', coalesce(e.ends_at, e.starts_at)) * 1000000)::bigint AS end_us, e.item
FROM catalog_events AS e
WHERE (e.starts_at, e.id) > ('epoch'::timestamptz + $1::bigint * interval '1 microsecond', $2::bigint)
  AND e.was_online
  AND e.provider_id <> ALL (ARRAY(SELECT id FROM catalog_providers WHERE deleted_at IS NOT NULL))
ORDER BY e.starts_at, e.id
LIMIT $3::bigint
