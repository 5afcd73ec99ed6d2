-- $1 id, $2 shard, $3 due time or NULL, $4 else microseconds from now, $5 destination, $6 url, $7 method, $8 headers, $9 payload, $10 metadata, $11 attempts at most, $12 milliseconds of an attempt, $13 request id, $14 traceparent -> outcome: created
-- Also created_us.
INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, headers, payload, metadata,
	max_attempts, timeout_ms, created_at, request_id, traceparent)
SELECT $1::uuid, $2::smallint, w.due, greatest(w.due, statement_timestamp()), $5::text, $6::text, $7::text,
       $8::json, $9::json, $10::json, $11::smallint, $12::integer, statement_timestamp(), $13::text, $14::text
FROM (SELECT coalesce($3::timestamptz, statement_timestamp() + $4::bigint * interval '1 microsecond')) AS w (due)
RETURNING 'created' AS outcome, (date_part('epoch', created_at) * 1000000)::bigint AS created_us
