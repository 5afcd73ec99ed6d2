-- $1 provider id, $2 lease, $3 event ids (bigint, as text[]) -> outcome: vanished|stale
-- They stay searchable as they were; only that they are gone from the feed is kept.
WITH holder AS (
	SELECT id, coalesce(last_synced_at, now()) AS seen_at
	FROM catalog_providers
	WHERE id = $1::bigint AND lease_owner = $2::uuid AND deleted_at IS NULL
	FOR SHARE
),
raised AS (
	UPDATE catalog_state SET edition = edition + 1, changed_at = clock_timestamp()
	WHERE EXISTS (SELECT FROM holder)
	RETURNING edition, pg_notify('almanac_catalog', edition::text)
),
gone AS (
	UPDATE catalog_events AS e
	SET last_seen_at = holder.seen_at, edition = raised.edition
	FROM holder, raised
	WHERE e.provider_id = holder.id AND e.last_seen_at IS NULL
	  AND e.id = ANY ($3::text[]::bigint[])
	RETURNING e.id
)
SELECT CASE WHEN EXISTS (SELECT FROM holder) THEN 'vanished' ELSE 'stale' END AS outcome,
       (SELECT count(*) FROM gone) AS vanished
