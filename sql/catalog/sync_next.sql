-- (nothing) -> rows: wait_us
-- Microseconds until the next provider is due or a hold ends. One that is held past its due time is
-- looked for again and again: the sync that holds it may end at any moment.
SELECT greatest(0, ceil(date_part('epoch', min(least(next_sync_at, lease_until)) - now()) * 1000000))::bigint
       AS wait_us
FROM catalog_providers
WHERE deleted_at IS NULL
