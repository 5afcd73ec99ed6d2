-- $1 run, $2 interval in seconds, $3 missed periods to write one by one at most -> outcome: planned|nothing
SELECT CASE p.outcome WHEN 'planned' THEN 'planned' ELSE 'nothing' END AS outcome,
       p.starts_us, p.ends_us, p.seen_us, p.due_us, p.missed, p.wait_us
FROM reports_plan($1::uuid, $2::bigint, $3::bigint) AS p
