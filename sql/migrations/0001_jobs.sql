-- The recurring jobs of the scheduler: what runs when, and who runs it now; and what several rooms share.

CREATE TABLE jobs (
	name           text PRIMARY KEY,
	period_seconds bigint NOT NULL CHECK (period_seconds > 0),
	due_at         timestamptz NOT NULL,
	lease_owner    uuid,
	lease_until    timestamptz,
	started_at     timestamptz,
	finished_at    timestamptz,
	runs           bigint NOT NULL DEFAULT 0
);

COMMENT ON TABLE jobs IS 'The recurring jobs: exactly one of several daemons runs each when it is due.';
COMMENT ON COLUMN jobs.name IS 'The job, as the daemon knows it: catalog-sync.';
COMMENT ON COLUMN jobs.period_seconds IS 'Seconds from one due time to the next.';
COMMENT ON COLUMN jobs.due_at IS 'When it is to run next; kept across restarts.';
COMMENT ON COLUMN jobs.lease_owner IS 'The run that holds the job now; NULL when none does.';
COMMENT ON COLUMN jobs.lease_until IS 'When that hold ends by itself, should the daemon die.';
COMMENT ON COLUMN jobs.started_at IS 'When the last run began.';
COMMENT ON COLUMN jobs.finished_at IS 'When the last whole run ended.';
COMMENT ON COLUMN jobs.runs IS 'How many runs began.';

-- Partitions of a table for the days (UTC) from yesterday to three days ahead are made; those older than the
-- days to keep are dropped (0: none). Returns how many were dropped. Who stores rows waits behind whoever
-- waits here for a lock, so the wait is short.
CREATE FUNCTION day_partitions(parent regclass, keep_days bigint) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
	today date := (now() AT TIME ZONE 'UTC')::date;
	day date;
	name text;
	dropped bigint := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(4701382216);
	FOR day IN SELECT today + i FROM generate_series(-1, 3) AS i LOOP
		name := parent || to_char(day, '_YYYYMMDD');
		IF to_regclass(name) IS NULL THEN
			EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', name, parent,
				       day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
		END IF;
	END LOOP;
	FOR name IN SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		    WHERE i.inhparent = parent AND keep_days > 0
		      AND c.relname < parent || to_char(today - keep_days::integer, '_YYYYMMDD') LOOP
		EXECUTE format('DROP TABLE %I', name);
		dropped := dropped + 1;
	END LOOP;
	RETURN dropped;
END
$$;

COMMENT ON FUNCTION day_partitions(regclass, bigint) IS 'Makes the daily partitions of a table that will be needed and drops those that are too old.';
