-- $1 run, $2 ids (text[]), $3 their shards (text[]) -> rows: id, is_due, next_us, due_us, url, method, headers, payload, max_attempts, timeout_ms, attempts, request_id, traceparent, now_us
SELECT (c.timer).id, c.is_due,
       (date_part('epoch', (c.timer).next_at) * 1000000)::bigint AS next_us,
       (date_part('epoch', (c.timer).due_at) * 1000000)::bigint AS due_us, (c.timer).url,
       (c.timer).method, (c.timer).headers, (c.timer).payload, (c.timer).max_attempts,
       (c.timer).timeout_ms, (c.timer).attempts, (c.timer).request_id, (c.timer).traceparent,
       (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS now_us
FROM timers_confirm($1::uuid, $2::text[]::uuid[], $3::text[]::smallint[]) AS c
