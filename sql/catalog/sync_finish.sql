-- $1 provider id, $2 lease, $3 status, $4 requests made, $5 HTTP status or NULL, $6 not modified, $7 wire bytes, $8 body bytes, $9 events, $10 zones, $11 created, $12 updated, $13 unchanged, $14 rejected, $15 vanished, $16 problem count, $17 problems (json), $18 error or NULL, $19 etag, $20 last modified, $21 body digest (NULL: the feed was not read whole), $22 seconds to wait at least -> outcome: finished|stale
WITH holder AS (
	UPDATE catalog_providers AS p
	SET lease_owner = NULL, lease_until = NULL,
	    last_status = $3::text,
	    failures = CASE WHEN $3::text = 'failed' THEN p.failures + 1 ELSE 0 END,
	    last_synced_at = CASE WHEN $3::text = 'failed' THEN p.last_synced_at ELSE now() END,
	    etag = CASE WHEN $21::text IS NULL THEN p.etag ELSE $19::text END,
	    last_modified = CASE WHEN $21::text IS NULL THEN p.last_modified ELSE $20::text END,
	    body_digest = coalesce($21::text, p.body_digest),
	    events = CASE WHEN $21::text IS NULL THEN p.events
			  ELSE $11::bigint + $12::bigint + $13::bigint END,
	    next_sync_at = greatest(p.next_sync_at, now() + $22::bigint * interval '1 second')
	WHERE p.id = $1::bigint AND p.lease_owner = $2::uuid
	RETURNING p.id
),
told AS (
	UPDATE catalog_syncs
	SET status = $3::text, finished_at = now(), attempts = $4::bigint, http_status = $5::bigint,
	    not_modified = $6::boolean, wire_bytes = $7::bigint, body_bytes = $8::bigint,
	    events = $9::bigint, zones = $10::bigint, created = $11::bigint, updated = $12::bigint,
	    unchanged = $13::bigint, rejected = $14::bigint, vanished = $15::bigint,
	    problem_count = $16::bigint, problems = $17::json, error = $18::text
	WHERE provider_id = $1::bigint AND status = 'running' AND EXISTS (SELECT FROM holder)
)
SELECT CASE WHEN EXISTS (SELECT FROM holder) THEN 'finished' ELSE 'stale' END AS outcome
