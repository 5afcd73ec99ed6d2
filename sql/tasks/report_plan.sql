-- $1 run, $2 interval in seconds, $3 missed periods to write one by one at most -> outcome: planned|nothing
SELECT outcome, starts_us, ends_us, seen_us, due_us, missed, wait_us
FROM reports_plan($1::uuid, $2::bigint, $3::bigint)
