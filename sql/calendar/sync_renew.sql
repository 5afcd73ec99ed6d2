-- $1 calendar id, $2 lease, $3 lease in seconds, $4 requests made so far -> outcome: held|stale
WITH held AS (
	UPDATE calendars SET lease_until = now() + $3::bigint * interval '1 second'
	WHERE id = $1::bigint AND lease_owner = $2::uuid
	RETURNING id
),
told AS (
	UPDATE calendar_syncs SET requests = $4::bigint
	WHERE calendar_id = $1::bigint AND status = 'running' AND requests <> $4::bigint AND EXISTS (SELECT FROM held)
)
SELECT CASE WHEN EXISTS (SELECT FROM held) THEN 'held' ELSE 'stale' END AS outcome
