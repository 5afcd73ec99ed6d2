-- $1 cursor (id, or NULL), $2 limit, $3 default interval in seconds -> rows: one provider each
SELECT id, name, url, timezone, coalesce(interval_seconds, $3::bigint) AS "intervalSeconds",
       events, failures, last_status AS "lastStatus", last_synced_at AS "lastSyncedAt",
       next_sync_at AS "nextSyncAt", created_at AS "createdAt", updated_at AS "updatedAt",
       CASE WHEN row_number() OVER (ORDER BY id) = $2::bigint THEN id::text END AS _cursor
FROM catalog_providers
WHERE deleted_at IS NULL AND id > coalesce($1::bigint, 0)
ORDER BY id
LIMIT $2::bigint
