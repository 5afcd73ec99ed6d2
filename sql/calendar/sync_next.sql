-- (nothing) -> rows: wait_us
-- Microseconds until the next calendar is due or a hold ends.
SELECT greatest(0, ceil(date_part('epoch', min(coalesce(lease_until, least(due_at, asked_at))) - now()) * 1000000))::bigint
       AS wait_us
FROM calendars
