-- $1 id, $2 default interval in seconds -> rows: the provider
SELECT id, name, url, timezone, coalesce(interval_seconds, $2::bigint) AS "intervalSeconds",
       events, failures, last_status AS "lastStatus", last_synced_at AS "lastSyncedAt",
       next_sync_at AS "nextSyncAt", created_at AS "createdAt", updated_at AS "updatedAt"
FROM catalog_providers
WHERE id = $1::bigint AND deleted_at IS NULL
