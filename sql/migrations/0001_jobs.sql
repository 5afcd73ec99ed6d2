-- The recurring jobs of the scheduler: what runs when, and who runs it now.

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
