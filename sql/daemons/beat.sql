-- $1 instance, $2 name, $3 host, $4 address, $5 version, $6 microseconds since it began -> outcome: beaten
-- Also namesakes: how many others of its name live. One that was heard of before this one began, and not
-- since, is this one before a restart. Whoever is forgotten goes, and whoever this one came after.
WITH me AS (
	INSERT INTO daemons AS d (instance, name, host, address, version, started_at, heartbeat_at)
	VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text,
		clock_timestamp() - $6::bigint * interval '1 microsecond', clock_timestamp())
	ON CONFLICT (instance) DO UPDATE SET heartbeat_at = clock_timestamp()
	RETURNING d.started_at
),
gone AS (
	DELETE FROM daemons AS d
	WHERE d.instance <> $1::uuid
	  AND (d.heartbeat_at < now() - daemons_forgotten()
	       OR (d.name = $2::text AND d.heartbeat_at < now() - daemons_lost()))
)
SELECT 'beaten' AS outcome,
       (SELECT count(*) FROM daemons AS d
	WHERE d.name = $2::text AND d.instance <> $1::uuid AND d.heartbeat_at > now() - daemons_lost()
	  AND d.heartbeat_at > me.started_at) AS namesakes
FROM me
