-- $1 ids, $2 shards, $3 due times or NULL, $4 else microseconds from now, $5 destinations, $6 urls, $7 methods, $8 headers, $9 payloads, $10 metadata, $11 attempts at most, $12 milliseconds of an attempt, $13 request ids, $14 traceparents -> outcome: created
-- As create.sql.
WITH made AS (
	INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, headers, payload, metadata,
		max_attempts, timeout_ms, created_at, request_id, traceparent)
	SELECT t.id::uuid, t.shard::smallint, w.due, greatest(w.due, statement_timestamp()), t.destination, t.url,
	       t.method, t.headers::json, t.payload::json, t.metadata::json, t.max_attempts::smallint,
	       t.timeout_ms::integer, statement_timestamp(), t.request_id, t.traceparent
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
		    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
	     AS t (id, shard, due, delay, destination, url, method, headers, payload, metadata, max_attempts,
		   timeout_ms, request_id, traceparent),
	     LATERAL (SELECT coalesce(t.due::timestamptz,
				      statement_timestamp() + t.delay::bigint * interval '1 microsecond')) AS w (due)
)
SELECT 'created' AS outcome, (date_part('epoch', statement_timestamp()) * 1000000)::bigint AS created_us,
       place AS _place
FROM generate_subscripts($1::text[], 1) AS place
