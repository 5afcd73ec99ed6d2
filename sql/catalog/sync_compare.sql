-- $1 provider id, $2 base ids, $3 event ids, $4 digests, $5 online flags (text[] each) -> rows: place of each event that must be written
-- An event that was online and no longer is keeps its values: only the flag is judged. LATERAL with
-- a LIMIT looks each event up by its identity, also with a plan from when the table was empty.
SELECT i.place
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
     AS i (base_id, event_id, digest, is_online, place)
LEFT JOIN LATERAL (
	SELECT * FROM catalog_events AS c
	WHERE c.provider_id = $1::bigint AND c.base_id = i.base_id AND c.event_id = i.event_id
	LIMIT 1
) AS e ON true
WHERE e.id IS NULL
   OR e.last_seen_at IS NOT NULL
   OR e.is_online <> i.is_online::boolean
   OR (e.digest <> i.digest::uuid AND (i.is_online::boolean OR NOT e.was_online))
ORDER BY i.place
