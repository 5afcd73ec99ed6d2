-- $1 id, $2 due time or NULL, $3 else microseconds from now -> outcome: changed|running|over|not_found
-- Also the timer.
SELECT c.outcome, (c.shown).*
FROM timers_change($1::uuid, $2::timestamptz, $3::bigint * interval '1 microsecond') AS c
