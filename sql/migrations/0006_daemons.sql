-- The daemons on this database, and what each of them holds.

CREATE TABLE daemons (
	instance     uuid PRIMARY KEY,
	name         text NOT NULL,
	host         text NOT NULL,
	address      text NOT NULL,
	version      text NOT NULL,
	started_at   timestamptz NOT NULL,
	heartbeat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE daemons IS 'The daemons that serve this database; each writes its row every ten seconds and takes it out when it ends.';
COMMENT ON COLUMN daemons.instance IS 'This run of the daemon.';
COMMENT ON COLUMN daemons.name IS 'What it calls itself: DAEMON_NAME, or host and port; the same after a restart.';
COMMENT ON COLUMN daemons.host IS 'The host it runs on, as that calls itself.';
COMMENT ON COLUMN daemons.address IS 'The address and port it listens on.';
COMMENT ON COLUMN daemons.version IS 'Its version.';
COMMENT ON COLUMN daemons.started_at IS 'When it began.';
COMMENT ON COLUMN daemons.heartbeat_at IS 'When it was heard of last.';

ALTER TABLE jobs ADD COLUMN daemon uuid;

COMMENT ON COLUMN jobs.daemon IS 'The run of a daemon that holds the job, or held it last.';

-- So long after its last heartbeat a daemon counts as lost, and so long it is remembered.
CREATE FUNCTION daemons_lost() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '30 seconds' $$;
CREATE FUNCTION daemons_forgotten() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '1 hour' $$;

COMMENT ON FUNCTION daemons_lost() IS 'Whoever was not heard of for so long is lost.';
COMMENT ON FUNCTION daemons_forgotten() IS 'Whoever was not heard of for so long is forgotten.';

-- One that came back under its name stands in the place of the one before, which was never heard of
-- since. When both are heard of they share a name, which they should not.
CREATE VIEW daemons_shown AS
SELECT d.name, d.instance AS id,
       CASE WHEN d.heartbeat_at > now() - daemons_lost() THEN 'alive' ELSE 'lost' END AS status,
       d.host, d.address, d.version, d.started_at AS "startedAt", d.heartbeat_at AS "heartbeatAt",
       (SELECT count(*) FROM timer_shards AS s WHERE s.owner = d.instance AND s.lease_until > now())
       AS "timerShards",
       (SELECT coalesce(json_agg(j.name ORDER BY j.name), '[]') FROM jobs AS j
	WHERE j.daemon = d.instance AND j.lease_owner IS NOT NULL AND j.lease_until > now()) AS "runningJobs",
       EXISTS (SELECT FROM daemons AS o
	       WHERE o.name = d.name AND o.instance <> d.instance AND o.heartbeat_at > d.started_at
		 AND d.heartbeat_at > o.started_at AND o.heartbeat_at > now() - daemons_lost()
		 AND d.heartbeat_at > now() - daemons_lost()) AS "sharesName"
FROM daemons AS d
WHERE d.heartbeat_at > now() - daemons_forgotten()
  AND NOT EXISTS (SELECT FROM daemons AS o
		  WHERE o.name = d.name AND o.instance <> d.instance AND o.started_at > d.heartbeat_at);

COMMENT ON VIEW daemons_shown IS 'The daemons as requests see them, with what each holds.';
