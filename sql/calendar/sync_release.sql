-- $1 calendar id, $2 lease -> outcome: released|stale
-- The daemon stops: the run is queued again, for whoever is there.
WITH holder AS (
	UPDATE calendars SET lease_owner = NULL, lease_until = NULL, asked_at = now()
	WHERE id = $1::bigint AND lease_owner = $2::uuid
	RETURNING id, pg_notify('almanac_calendar', '')
),
told AS (
	UPDATE calendar_syncs SET status = 'queued', started_at = NULL, requests = 0
	WHERE calendar_id = $1::bigint AND status = 'running' AND EXISTS (SELECT FROM holder)
)
SELECT CASE WHEN EXISTS (SELECT FROM holder) THEN 'released' ELSE 'stale' END AS outcome
