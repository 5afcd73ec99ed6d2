-- $1 calendar id, $2 ids, $3 digests (NULL: the source says it is gone), $4 whether what is not among them is gone, $5 series of which that is not said -> rows: what must be written: change, place among the ids or NULL, id, is_forced
-- FULL JOIN is a hash or a merge whatever the planner thinks of the sizes.
SELECT d.change, d.place, d.id,
       EXISTS (SELECT FROM calendar_syncs
	       WHERE calendar_id = $1::bigint AND status = 'running' AND is_forced) AS is_forced
FROM (
	SELECT i.place, coalesce(e.id, i.id) AS id,
	       CASE
		WHEN i.digest IS NOT NULL AND (e.id IS NULL OR e.deleted_at IS NOT NULL) THEN 'created'
		WHEN i.digest::uuid <> e.digest THEN 'updated'
		WHEN e.deleted_at IS NOT NULL OR e.id IS NULL THEN NULL
		WHEN i.id IS NOT NULL AND i.digest IS NULL THEN 'deleted'
		WHEN i.id IS NULL AND $4::boolean AND coalesce(e.series, e.id) <> ALL ($5::text[]) THEN 'deleted'
	       END AS change
	FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS i (id, digest, place)
	FULL JOIN (SELECT id, series, digest, deleted_at FROM calendar_events WHERE calendar_id = $1::bigint) AS e
	     ON e.id = i.id
) AS d
WHERE d.change IS NOT NULL
ORDER BY d.place
