-- $1 id, $2 shard, $3 due time or NULL, $4 else microseconds from now, $5 destination, $6 url, $7 method, $8 headers, $9 payload, $10 metadata, $11 attempts at most, $12 milliseconds of an attempt, $13 request id, $14 traceparent, $15 idempotency key, $16 digest of the body -> outcome: created|replayed|other_body
-- Also id, created_us.
-- Who comes second with a key waits for the first, and finds the timer that was created then.
WITH kept AS (
	INSERT INTO timer_keys AS k (key, digest, timer, created_at)
	VALUES ($15::text, $16::text, $1::uuid, statement_timestamp())
	ON CONFLICT (key) DO UPDATE SET digest = k.digest
	RETURNING k.digest, k.timer, k.created_at
),
made AS (
	INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, headers, payload, metadata,
		max_attempts, timeout_ms, created_at, request_id, traceparent)
	SELECT $1::uuid, $2::smallint, w.due, greatest(w.due, kept.created_at), $5::text, $6::text, $7::text,
	       $8::json, $9::json, $10::json, $11::smallint, $12::integer, kept.created_at, $13::text, $14::text
	FROM kept,
	     LATERAL (SELECT coalesce($3::timestamptz, kept.created_at + $4::bigint * interval '1 microsecond'))
		     AS w (due)
	WHERE kept.timer = $1::uuid
)
SELECT CASE WHEN digest <> $16::text THEN 'other_body'
	    WHEN timer = $1::uuid THEN 'created'
	    ELSE 'replayed' END AS outcome,
       timer AS id, (date_part('epoch', created_at) * 1000000)::bigint AS created_us
FROM kept
