-- (nothing) -> rows: wait_us
-- Microseconds until the next provider is due, by then at the latest free of its lease.
SELECT greatest(0, ceil(date_part('epoch', min(greatest(next_sync_at, coalesce(lease_until, next_sync_at)))
	- now()) * 1000000))::bigint AS wait_us
FROM catalog_providers
WHERE deleted_at IS NULL
