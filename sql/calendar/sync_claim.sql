-- $1 limit, $2 limit of those whose last sync failed, $3 lease in seconds, $4 period in seconds -> outcome: claimed
-- Calendars that are due or asked for and not held are claimed, each with a run that is made or was
-- queued; and those whose hold is over, with the run that a daemon left behind when it died. The next due
-- time keeps its place within the period. The source is told who asked, and which trace goes on: the run
-- is a step of it.
WITH due AS (
	SELECT id
	FROM calendars
	WHERE coalesce(lease_until, least(due_at, asked_at)) <= now() AND failures = 0
	ORDER BY coalesce(lease_until, least(due_at, asked_at)), id
	LIMIT $1::bigint
	FOR UPDATE SKIP LOCKED
),
doubtful AS (
	SELECT id
	FROM calendars
	WHERE coalesce(lease_until, least(due_at, asked_at)) <= now() AND failures > 0
	ORDER BY coalesce(lease_until, least(due_at, asked_at)), id
	LIMIT greatest(0, least($2::bigint, $1::bigint - (SELECT count(*) FROM due)))
	FOR UPDATE SKIP LOCKED
),
begun AS (
	INSERT INTO calendar_syncs AS s (calendar_id, status, reason, started_at)
	SELECT id, 'running', 'schedule', now() FROM (TABLE due UNION ALL TABLE doubtful) AS taken
	ON CONFLICT (calendar_id) WHERE status IN ('queued', 'running') DO UPDATE
	SET status = 'running', started_at = now(), requests = 0
	RETURNING id, calendar_id, request_id, traceparent
)
UPDATE calendars AS c
SET lease_owner = gen_random_uuid(), lease_until = now() + $3::bigint * interval '1 second', asked_at = NULL,
    due_at = CASE WHEN c.due_at > now() THEN c.due_at
		  ELSE c.due_at + (floor(date_part('epoch', now() - c.due_at) / $4::bigint) + 1)
			       * $4::bigint * interval '1 second' END
FROM begun AS b
WHERE c.id = b.calendar_id
RETURNING 'claimed' AS outcome, b.id AS sync_id, c.lease_owner AS lease, c.id AS calendar_id, c.user_id, c.kind,
	  coalesce(c.url, '') AS url, c.timezone, coalesce(c.sync_token, '') AS sync_token, c.etag,
	  c.last_modified, coalesce(c.window_on::text, '') AS window_on, c.synced_at IS NULL AS is_first, c.events,
	  c.failures > 0 AS is_doubtful, coalesce(b.request_id, b.id::text) AS request_id,
	  format('00-%s-%s-%s', coalesce(substr(b.traceparent, 4, 32), replace(b.id::text, '-', '')),
		 right(replace(c.lease_owner::text, '-', ''), 16), coalesce(right(b.traceparent, 2), '00'))
	  AS traceparent
