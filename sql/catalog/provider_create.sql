-- $1 name, $2 url, $3 timezone, $4 interval in seconds or NULL, $5 default interval -> outcome: created|name_taken|timezone_unknown
-- It is due at once: the job is told.
WITH made AS (
	INSERT INTO catalog_providers (name, url, timezone, interval_seconds)
	SELECT $1::text, $2::text, $3::text, $4::bigint
	WHERE catalog_is_timezone($3::text)
	ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING
	RETURNING *
),
woken AS (
	UPDATE jobs SET due_at = clock_timestamp() WHERE name = 'catalog-sync' AND EXISTS (SELECT FROM made)
	RETURNING pg_notify('almanac_jobs', name)
)
SELECT CASE WHEN NOT catalog_is_timezone($3::text) THEN 'timezone_unknown'
	    WHEN m.id IS NULL THEN 'name_taken'
	    ELSE 'created' END AS outcome,
       (SELECT count(*) FROM woken) AS _woken,
       '/api/v1/providers/' || m.id AS _location,
       m.id, m.name, m.url, m.timezone, coalesce(m.interval_seconds, $5::bigint) AS "intervalSeconds",
       m.events, m.failures, m.last_status AS "lastStatus", m.last_synced_at AS "lastSyncedAt",
       m.next_sync_at AS "nextSyncAt", m.created_at AS "createdAt", m.updated_at AS "updatedAt"
FROM (VALUES (1)) AS always (one) LEFT JOIN made AS m ON true
