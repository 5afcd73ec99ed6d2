-- $1 id, $2 name, $3 url, $4 timezone, $5 interval in seconds (each NULL: as it is), $6 default interval -> outcome: changed|not_found|name_taken|timezone_unknown
-- Another url or timezone makes the whole feed worth reading again: what was known of it
-- is forgotten, and a run under way loses its hold. Another name is told with every event: the edition
-- rises.
WITH wanted AS (
	SELECT p.id, p.name,
	       coalesce($4::text IS NULL OR catalog_is_timezone($4::text), false) AS has_timezone,
	       NOT EXISTS (SELECT FROM catalog_providers AS other
			   WHERE other.name = $2::text AND other.id <> p.id
			   AND other.deleted_at IS NULL) AS has_name
	FROM catalog_providers AS p
	WHERE p.id = $1::bigint AND p.deleted_at IS NULL
),
changed AS (
	UPDATE catalog_providers AS p
	SET name = coalesce($2::text, p.name),
	    url = coalesce($3::text, p.url),
	    timezone = coalesce($4::text, p.timezone),
	    interval_seconds = coalesce($5::bigint, p.interval_seconds),
	    updated_at = now(),
	    next_sync_at = now(),
	    etag = CASE WHEN f.is_other THEN '' ELSE p.etag END,
	    last_modified = CASE WHEN f.is_other THEN '' ELSE p.last_modified END,
	    body_digest = CASE WHEN f.is_other THEN '' ELSE p.body_digest END,
	    lease_owner = CASE WHEN f.is_other THEN NULL ELSE p.lease_owner END,
	    lease_until = CASE WHEN f.is_other THEN NULL ELSE p.lease_until END
	FROM wanted AS w,
	     LATERAL (SELECT was.url <> coalesce($3::text, was.url)
			     OR was.timezone <> coalesce($4::text, was.timezone) AS is_other
		      FROM catalog_providers AS was WHERE was.id = w.id) AS f
	WHERE p.id = w.id AND w.has_timezone AND w.has_name
	RETURNING p.*
),
raised AS (
	UPDATE catalog_state SET edition = edition + 1, changed_at = now()
	WHERE EXISTS (SELECT FROM changed AS c JOIN wanted AS w USING (id) WHERE c.name <> w.name)
	RETURNING pg_notify('almanac_catalog', edition::text)
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-sync' AND EXISTS (SELECT FROM changed)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN w.id IS NULL THEN 'not_found'
	    WHEN NOT w.has_timezone THEN 'timezone_unknown'
	    WHEN NOT w.has_name THEN 'name_taken'
	    ELSE 'changed' END AS outcome,
       (SELECT count(*) FROM woken) + (SELECT count(*) FROM raised) AS _told,
       c.id, c.name, c.url, c.timezone, coalesce(c.interval_seconds, $6::bigint) AS "intervalSeconds",
       c.events, c.failures, c.last_status AS "lastStatus", c.last_synced_at AS "lastSyncedAt",
       c.next_sync_at AS "nextSyncAt", c.created_at AS "createdAt", c.updated_at AS "updatedAt"
FROM (VALUES (1)) AS always (one) LEFT JOIN wanted AS w ON true LEFT JOIN changed AS c ON true
