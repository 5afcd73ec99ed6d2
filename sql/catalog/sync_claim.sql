-- $1 limit, $2 lease in seconds, $3 default interval in seconds -> outcome: claimed
-- Providers that are due and not held are claimed, each with a run that is made or was queued; and
-- those whose hold is over, with the run that a daemon left behind when it died. The next due time is
-- planned at once. The provider is told who asked, and which trace goes on: the run is a step of it.
WITH due AS (
	SELECT id, next_sync_at
	FROM catalog_providers
	WHERE deleted_at IS NULL AND coalesce(lease_until, next_sync_at) <= now()
	ORDER BY next_sync_at, id
	LIMIT $1::bigint
	FOR UPDATE SKIP LOCKED
),
begun AS (
	INSERT INTO catalog_syncs AS s (provider_id, status, reason, started_at)
	SELECT id, 'running', 'schedule', now() FROM due
	ON CONFLICT (provider_id) WHERE status IN ('queued', 'running') DO UPDATE
	SET status = 'running', started_at = now(), attempts = 0
	RETURNING id, provider_id, request_id, traceparent
)
UPDATE catalog_providers AS p
SET lease_owner = gen_random_uuid(), lease_until = now() + $2::bigint * interval '1 second',
    next_sync_at = CASE
	WHEN p.next_sync_at > now() THEN p.next_sync_at
	WHEN p.next_sync_at + coalesce(p.interval_seconds, $3::bigint) * interval '1 second' > now()
		THEN p.next_sync_at + coalesce(p.interval_seconds, $3::bigint) * interval '1 second'
	ELSE now() + coalesce(p.interval_seconds, $3::bigint) * interval '1 second'
    END
FROM begun AS b
WHERE p.id = b.provider_id
RETURNING 'claimed' AS outcome, b.id AS sync_id, p.lease_owner AS lease, p.id AS provider_id, p.name, p.url, p.timezone,
	  coalesce(p.interval_seconds, $3::bigint) AS interval_seconds, p.etag, p.last_modified,
	  p.body_digest, p.events, coalesce(b.request_id, b.id::text) AS request_id,
	  format('00-%s-%s-%s', coalesce(substr(b.traceparent, 4, 32), replace(b.id::text, '-', '')),
		 right(replace(p.lease_owner::text, '-', ''), 16), coalesce(right(b.traceparent, 2), '00'))
	  AS traceparent
