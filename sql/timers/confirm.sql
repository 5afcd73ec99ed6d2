-- $1 run, $2 ids (text[]), $3 their shards (text[]) -> rows: id, is_due, next_us, due_us, url, method, headers, payload, max_attempts, timeout_ms, attempts, request_id, traceparent, now_us
SELECT c.id, c.next_at <= clock_timestamp() + timers_closing() AS is_due,
       (date_part('epoch', c.next_at) * 1000000)::bigint AS next_us,
       (date_part('epoch', c.due_at) * 1000000)::bigint AS due_us, c.url, c.method, c.headers, c.payload,
       c.max_attempts, c.timeout_ms, c.attempts, c.request_id, c.traceparent,
       (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS now_us
FROM timers_confirm($1::uuid, $2::text[]::uuid[], $3::text[]::smallint[]) AS c
