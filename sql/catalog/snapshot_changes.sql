-- $1 edition, $2 id of the last row (all of that edition is known: the highest bigint), $3 limit -> rows: id, uuid, start_us, end_us, item, row_edition, edition, removed_edition, changed_us, file
-- What changed after that row, in the order (edition, id), and the state at the same instant; a row
-- with id NULL when nothing did. Rows that are not searchable come without item.
SELECT e.id, e.uuid, (date_part('epoch', e.starts_at) * 1000000)::bigint AS start_us,
       (date_part('epoch', coalesce(e.ends_at, e.starts_at)) * 1000000)::bigint AS end_us,
       CASE WHEN e.was_online THEN e.item END AS item, e.edition AS row_edition,
       s.edition, s.removed_edition, (date_part('epoch', s.changed_at) * 1000000)::bigint AS changed_us,
       pg_relation_filenode('catalog_events') AS file
FROM catalog_state AS s
LEFT JOIN LATERAL (
	SELECT * FROM catalog_events AS c
	WHERE (c.edition, c.id) > ($1::bigint, $2::bigint)
	  AND c.provider_id <> ALL (ARRAY(SELECT id FROM catalog_providers WHERE deleted_at IS NOT NULL))
	ORDER BY c.edition, c.id
	LIMIT $3::bigint
) AS e ON true
ORDER BY e.edition, e.id
