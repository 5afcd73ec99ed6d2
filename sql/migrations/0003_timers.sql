-- Timers: URLs to be called at a time. What is still to fire stands in `timers`, what is over in
-- `timers_over`, in partitions by day that are dropped whole.

CREATE TABLE timer_daemons (
	name        text PRIMARY KEY,
	instance    uuid NOT NULL,
	lease_until timestamptz NOT NULL
);

COMMENT ON TABLE timer_daemons IS 'The daemons that fire timers; shards are shared out among those whose lease holds.';
COMMENT ON COLUMN timer_daemons.name IS 'What the daemon calls itself; the same after a restart.';
COMMENT ON COLUMN timer_daemons.instance IS 'This run of it.';
COMMENT ON COLUMN timer_daemons.lease_until IS 'When it counts as gone unless it is heard of again.';

CREATE TABLE timer_shards (
	shard       smallint PRIMARY KEY CHECK (shard BETWEEN 0 AND 63),
	owner       uuid,
	owner_name  text,
	epoch       bigint NOT NULL DEFAULT 0,
	lease_until timestamptz
);

INSERT INTO timer_shards (shard) SELECT generate_series(0, 63);

COMMENT ON TABLE timer_shards IS 'Who fires which timers: only the owner of a shard reads and fires its timers.';
COMMENT ON COLUMN timer_shards.shard IS 'The shard; every timer has one.';
COMMENT ON COLUMN timer_shards.owner IS 'The instance of the daemon that holds it; NULL when none does.';
COMMENT ON COLUMN timer_shards.owner_name IS 'The name of that daemon: after a restart it takes its own back at once.';
COMMENT ON COLUMN timer_shards.epoch IS 'Rises with every change of owner; results of an older epoch are not written.';
COMMENT ON COLUMN timer_shards.lease_until IS 'When the hold ends by itself, should the daemon die.';

CREATE TABLE timers (
	id           uuid PRIMARY KEY,
	shard        smallint NOT NULL CHECK (shard BETWEEN 0 AND 63),
	due_at       timestamptz NOT NULL,
	next_at      timestamptz NOT NULL,
	destination  text NOT NULL,
	url          text NOT NULL,
	method       text NOT NULL,
	headers      json,
	payload      json,
	metadata     json,
	max_attempts smallint NOT NULL,
	timeout_ms   integer NOT NULL,
	attempts     smallint NOT NULL DEFAULT 0,
	attempt_log  json[] NOT NULL DEFAULT '{}',
	created_at   timestamptz NOT NULL DEFAULT now(),
	request_id   text,
	traceparent  text
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
	autovacuum_vacuum_cost_delay = 0);

CREATE INDEX timers_next ON timers (next_at, id);
CREATE INDEX timers_due ON timers (due_at, id);

COMMENT ON TABLE timers IS 'Timers that are still to fire; a row leaves for timers_over when it is over.';
COMMENT ON COLUMN timers.id IS 'A UUID of version 7: its order is that of creation.';
COMMENT ON COLUMN timers.shard IS 'Whose owner fires it.';
COMMENT ON COLUMN timers.due_at IS 'When it is due.';
COMMENT ON COLUMN timers.next_at IS 'When the next attempt is due: at first due_at.';
COMMENT ON COLUMN timers.destination IS 'Scheme, host and port of the URL, in lower case: what limits and breakers count by.';
COMMENT ON COLUMN timers.url IS 'The URL to call.';
COMMENT ON COLUMN timers.method IS 'POST, PUT, PATCH, GET or DELETE.';
COMMENT ON COLUMN timers.headers IS 'Further request headers, an object of strings; NULL: none.';
COMMENT ON COLUMN timers.payload IS 'What the body carries as "payload"; NULL: null.';
COMMENT ON COLUMN timers.metadata IS 'The client''s own notes; told, never sent.';
COMMENT ON COLUMN timers.max_attempts IS 'Attempts before it has failed.';
COMMENT ON COLUMN timers.timeout_ms IS 'Milliseconds an attempt may take.';
COMMENT ON COLUMN timers.attempts IS 'Attempts made since it was created or replayed.';
COMMENT ON COLUMN timers.attempt_log IS 'One object per attempt: attempt, startedAt, durationMs, status, error, body.';
COMMENT ON COLUMN timers.created_at IS 'When it was created.';
COMMENT ON COLUMN timers.request_id IS 'X-Request-Id of the request that created it, passed on to the webhook.';
COMMENT ON COLUMN timers.traceparent IS 'traceparent of that request, as it came or as it was made, passed on likewise.';

CREATE TABLE timers_over (
	id           uuid NOT NULL,
	status       text NOT NULL CHECK (status IN ('finished', 'failed', 'cancelled')),
	finished_at  timestamptz NOT NULL,
	due_at       timestamptz NOT NULL,
	destination  text NOT NULL,
	url          text NOT NULL,
	method       text NOT NULL,
	headers      json,
	payload      json,
	metadata     json,
	max_attempts smallint NOT NULL,
	timeout_ms   integer NOT NULL,
	attempts     smallint NOT NULL,
	attempt_log  json[] NOT NULL,
	created_at   timestamptz NOT NULL,
	request_id   text,
	traceparent  text
) PARTITION BY RANGE (finished_at);

CREATE INDEX timers_over_id ON timers_over (id);
CREATE INDEX timers_over_due ON timers_over (due_at, id);

COMMENT ON TABLE timers_over IS 'Timers that are over, in one partition per day; kept TIMER_RETENTION_DAYS.';
COMMENT ON COLUMN timers_over.id IS 'As in timers.';
COMMENT ON COLUMN timers_over.status IS 'finished: an attempt was answered well; failed: none was (a dead letter); cancelled: by a request.';
COMMENT ON COLUMN timers_over.finished_at IS 'When it was over; the partition''s day, UTC.';
COMMENT ON COLUMN timers_over.due_at IS 'As in timers.';
COMMENT ON COLUMN timers_over.destination IS 'As in timers.';
COMMENT ON COLUMN timers_over.url IS 'As in timers.';
COMMENT ON COLUMN timers_over.method IS 'As in timers.';
COMMENT ON COLUMN timers_over.headers IS 'As in timers.';
COMMENT ON COLUMN timers_over.payload IS 'As in timers.';
COMMENT ON COLUMN timers_over.metadata IS 'As in timers.';
COMMENT ON COLUMN timers_over.max_attempts IS 'As in timers.';
COMMENT ON COLUMN timers_over.timeout_ms IS 'As in timers.';
COMMENT ON COLUMN timers_over.attempts IS 'As in timers.';
COMMENT ON COLUMN timers_over.attempt_log IS 'As in timers.';
COMMENT ON COLUMN timers_over.created_at IS 'As in timers.';
COMMENT ON COLUMN timers_over.request_id IS 'As in timers.';
COMMENT ON COLUMN timers_over.traceparent IS 'As in timers.';

CREATE TABLE timer_keys (
	key        text PRIMARY KEY,
	digest     text NOT NULL,
	timer      uuid NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX timer_keys_created ON timer_keys (created_at);

COMMENT ON TABLE timer_keys IS 'Idempotency keys of requests that created timers, kept for 24 hours at least.';
COMMENT ON COLUMN timer_keys.key IS 'The value of Idempotency-Key.';
COMMENT ON COLUMN timer_keys.digest IS 'SHA-256 of the body it came with, in hex: another body is refused.';
COMMENT ON COLUMN timer_keys.timer IS 'The timer that was created: with the body, it gives the first answer again.';
COMMENT ON COLUMN timer_keys.created_at IS 'When it came first and the timer was created.';

SELECT day_partitions('timers_over', 0);

-- What fires and what changes a timer exclude each other here, without writing a row:
--
--   who changes a timer holds its shard''s lock shared and refuses when next_at is nearer than this;
--   the owner of the shard takes it exclusively for a moment, so every change before is committed, and
--   then reads which timers are nearer than this: nobody may change them any more.
CREATE FUNCTION timers_closing() RETURNS interval
LANGUAGE sql IMMUTABLE AS $$ SELECT interval '100 milliseconds' $$;

COMMENT ON FUNCTION timers_closing() IS 'From so long before its due time on a timer counts as running: it can no longer be changed.';

CREATE FUNCTION timers_change_lock(timer uuid) RETURNS void
LANGUAGE sql VOLATILE AS $$
	SELECT pg_advisory_xact_lock_shared(47013, shard) FROM timers WHERE id = timer
$$;

COMMENT ON FUNCTION timers_change_lock(uuid) IS 'To be called in a statement of its own before a timer is changed.';

-- --- the engine ---

-- One daemon's hold on shards: renewed, given back, taken back after a restart, shared out evenly among
-- the daemons that live. Who leaves, with a lease of no length, takes none; a name that another run has
-- taken since gets nothing.
CREATE FUNCTION timers_lease(me text, run uuid, lease interval, is_first boolean, given_back smallint[])
RETURNS TABLE (shard smallint, epoch bigint, fair integer, reclaimed integer, look_us bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	share integer;
	mine integer;
	taken integer := 0;
	wanted smallint[];
BEGIN
	PERFORM pg_advisory_xact_lock(4701382217);
	IF NOT is_first AND NOT EXISTS (SELECT FROM timer_daemons WHERE name = me AND instance = run) THEN
		RETURN;
	END IF;
	INSERT INTO timer_daemons AS d (name, instance, lease_until)
	VALUES (me, run, clock_timestamp() + lease)
	ON CONFLICT (name) DO UPDATE SET instance = run, lease_until = excluded.lease_until;
	DELETE FROM timer_daemons WHERE lease_until < clock_timestamp() - interval '1 hour';
	UPDATE timer_shards SET owner = NULL, owner_name = NULL, lease_until = NULL
	WHERE owner = run AND shard = ANY (given_back);
	UPDATE timer_shards SET lease_until = clock_timestamp() + lease WHERE owner = run;
	GET DIAGNOSTICS mine = ROW_COUNT;
	SELECT ceil(64.0 / greatest(1, count(*))) INTO share FROM timer_daemons WHERE lease_until > clock_timestamp();
	SELECT array_agg(f.shard) INTO wanted FROM (
		SELECT shard FROM timer_shards
		WHERE owner IS DISTINCT FROM run
		  AND (owner IS NULL OR owner_name = me OR lease_until < clock_timestamp())
		  AND NOT shard = ANY (given_back)
		ORDER BY owner_name = me DESC NULLS LAST, shard
		LIMIT CASE WHEN lease > interval '0' THEN greatest(0, share - mine) ELSE 0 END
	) AS f;
	IF wanted IS NOT NULL THEN
		PERFORM pg_advisory_xact_lock(47014, w) FROM unnest(wanted) AS w ORDER BY w;
		SELECT count(*) FILTER (WHERE owner IS NOT NULL AND owner_name <> me) INTO taken
		FROM timer_shards WHERE shard = ANY (wanted);
		UPDATE timer_shards AS s
		SET owner = run, owner_name = me, epoch = s.epoch + 1, lease_until = clock_timestamp() + lease
		WHERE s.shard = ANY (wanted);
	END IF;
	IF is_first OR given_back <> '{}' THEN
		PERFORM pg_notify('almanac_timers', 'lease');
	END IF;
	RETURN QUERY
	SELECT s.shard, s.epoch, share, taken,
	       (SELECT ceil(date_part('epoch', min(o.lease_until) - clock_timestamp()) * 1000000)::bigint
		FROM timer_shards AS o WHERE o.owner <> run)
	FROM timer_shards AS s WHERE s.owner = run ORDER BY s.shard;
	IF NOT FOUND THEN
		RETURN QUERY SELECT NULL::smallint, NULL::bigint, share, taken,
			(SELECT ceil(date_part('epoch', min(o.lease_until) - clock_timestamp()) * 1000000)::bigint
			 FROM timer_shards AS o WHERE o.owner <> run);
	END IF;
END
$$;

COMMENT ON FUNCTION timers_lease(text, uuid, interval, boolean, smallint[]) IS 'Renews and shares out shards; the shards that this run holds, the even share, how many were taken from daemons that died, and when the next lease of another ends. No row: the name belongs to another run now.';

-- These timers as they are when every change of them that was under way is over. A shard's lock is a
-- gate: it is taken once, and let go at once, so that nobody waits for anybody who waits. What was
-- allowed before the gate is committed behind it; what comes later finds those that are due by the
-- time before the gate too near to be changed. These may be called.
CREATE FUNCTION timers_confirm(run uuid, wanted uuid[], shards smallint[])
RETURNS TABLE (timer timers, is_due boolean)
LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
	near smallint;
BEGIN
	SET LOCAL lock_timeout = '2s';
	FOR near IN SELECT DISTINCT unnest(shards) ORDER BY 1 LOOP
		BEGIN
			PERFORM pg_advisory_lock(47013, near);
		EXCEPTION WHEN lock_not_available THEN
			-- Whoever has been changing a timer for that long has stopped in the middle: its
			-- change is undone, and not acknowledged.
			PERFORM pg_terminate_backend(pid)
			FROM pg_locks
			WHERE locktype = 'advisory' AND classid = 47013 AND objid::bigint = near AND granted
			  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			  AND mode = 'ShareLock' AND pid <> pg_backend_pid();
			PERFORM pg_advisory_lock(47013, near);
		END;
		PERFORM pg_advisory_unlock(47013, near);
	END LOOP;
	RETURN QUERY
	SELECT t, t.next_at <= began + timers_closing()
	FROM timers AS t JOIN timer_shards AS s ON s.shard = t.shard AND s.owner = run
	WHERE t.id = ANY (wanted);
EXCEPTION WHEN query_canceled OR others THEN
	PERFORM pg_advisory_unlock_all();
	RAISE;
END
$$;

COMMENT ON FUNCTION timers_confirm(uuid, uuid[], smallint[]) IS 'Those of these timers that this run holds, read when no change of them is under way.';

-- Results of calls, written under the epochs of their shards. A result that was written already, or of
-- a shard that is another''s by now, changes nothing.
CREATE FUNCTION timers_settle(run uuid, held smallint[], epochs bigint[], ids uuid[], ends text[], made smallint[],
			      logs json[], waits bigint[])
RETURNS TABLE (id uuid, next_us bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	PERFORM pg_advisory_xact_lock_shared(47014, s.shard)
	FROM (SELECT DISTINCT unnest(held) AS shard ORDER BY 1) AS s;
	RETURN QUERY
	WITH input AS (
		SELECT * FROM unnest(ids, ends, made, logs, waits) AS i (id, ended, attempt, log, wait_us)
	),
	ours AS (
		SELECT s.shard
		FROM unnest(held, epochs) AS h (shard, epoch)
		JOIN timer_shards AS s ON s.shard = h.shard AND s.epoch = h.epoch AND s.owner = run
	),
	gone AS (
		DELETE FROM timers AS t USING input AS i
		WHERE t.id = i.id AND t.attempts = i.attempt - 1 AND i.ended <> 'retry'
		  AND t.shard IN (SELECT shard FROM ours)
		RETURNING t.*, i.ended, i.attempt, i.log
	),
	over AS (
		INSERT INTO timers_over (id, status, finished_at, due_at, destination, url, method, headers,
			payload, metadata, max_attempts, timeout_ms, attempts, attempt_log, created_at, request_id,
			traceparent)
		SELECT id, ended, clock_timestamp(), due_at, destination, url, method, headers, payload, metadata,
		       max_attempts, timeout_ms, attempt, attempt_log || log, created_at, request_id, traceparent
		FROM gone
	)
	UPDATE timers AS t
	SET attempts = i.attempt, attempt_log = t.attempt_log || i.log,
	    next_at = clock_timestamp() + i.wait_us * interval '1 microsecond'
	FROM input AS i
	WHERE t.id = i.id AND t.attempts = i.attempt - 1 AND i.ended = 'retry'
	  AND t.shard IN (SELECT shard FROM ours)
	RETURNING t.id, (date_part('epoch', t.next_at) * 1000000)::bigint;
END
$$;

COMMENT ON FUNCTION timers_settle(uuid, smallint[], bigint[], uuid[], text[], smallint[], json[], bigint[]) IS 'Writes the results of calls; the timers that will be tried again, and when.';

-- --- changes by requests ---

-- Timers as requests see them: the columns are the members of their JSON, but for those with an
-- underscore in front. A whole second that is left has begun to pass.
CREATE VIEW timers_shown AS
SELECT id, url, method, due_at AS "dueAt",
       greatest(0, ceil(date_part('epoch', due_at - statement_timestamp())) - 1)::bigint AS "timeLeft",
       CASE WHEN next_at > statement_timestamp() + timers_closing() THEN 'scheduled' ELSE 'running' END AS status,
       attempts, max_attempts AS "maxAttempts", next_at AS "nextAttemptAt",
       attempt_log[cardinality(attempt_log)] AS "lastAttempt", created_at AS "createdAt",
       NULL::timestamptz AS "finishedAt", headers, payload, metadata, timeout_ms AS "timeoutMs",
       shard AS _shard, destination AS _destination
FROM timers;

COMMENT ON VIEW timers_shown IS 'Timers that are still to fire, as requests see them.';

CREATE VIEW timers_over_shown AS
SELECT id, url, method, due_at AS "dueAt", 0::bigint AS "timeLeft", status, attempts,
       max_attempts AS "maxAttempts", NULL::timestamptz AS "nextAttemptAt",
       attempt_log[cardinality(attempt_log)] AS "lastAttempt", created_at AS "createdAt",
       finished_at AS "finishedAt", headers, payload, metadata, timeout_ms AS "timeoutMs",
       NULL::smallint AS _shard, destination AS _destination
FROM timers_over;

COMMENT ON VIEW timers_over_shown IS 'Timers that are over, as requests see them.';

-- What is few among many has an index of its own, so that lists of it need not pass the others.
CREATE INDEX timers_retrying ON timers (due_at, id) WHERE attempts > 0;
CREATE INDEX timers_over_lost ON timers_over (status, id) WHERE status <> 'finished';
CREATE INDEX timers_over_lost_due ON timers_over (status, due_at, id) WHERE status <> 'finished';

-- The first day on which a timer may be over: its id holds when it was made, by the clock of a daemon,
-- which may be off by hours. Partitions of days before it, and of days to come, need not be looked at.
CREATE FUNCTION timers_made(timer uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
	SELECT to_timestamp(('x' || substr(timer::text, 1, 8) || substr(timer::text, 10, 4))::bit(48)::bigint / 1000)
	       - interval '1 day'
$$;

COMMENT ON FUNCTION timers_made(uuid) IS 'A day before the time in an id of version 7.';

CREATE FUNCTION timers_find(timer uuid) RETURNS SETOF timers_shown
LANGUAGE plpgsql STABLE AS $$
DECLARE
	made timestamptz := timers_made(timer);
BEGIN
	RETURN QUERY SELECT * FROM timers_shown WHERE id = timer;
	IF NOT FOUND THEN
		RETURN QUERY SELECT * FROM timers_over_shown
		WHERE id = timer AND "finishedAt" BETWEEN made AND statement_timestamp() + interval '1 day';
	END IF;
END
$$;

COMMENT ON FUNCTION timers_find(uuid) IS 'The timer of that id, whether it is still to fire or over.';

CREATE FUNCTION timers_attempts(timer uuid) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
	made timestamptz := timers_made(timer);
	log json[];
BEGIN
	SELECT attempt_log INTO log FROM timers WHERE id = timer;
	IF NOT FOUND THEN
		SELECT attempt_log INTO log FROM timers_over
		WHERE id = timer AND finished_at BETWEEN made AND statement_timestamp() + interval '1 day';
	END IF;
	RETURN array_to_json(log);
END
$$;

COMMENT ON FUNCTION timers_attempts(uuid) IS 'All attempts of a timer, the oldest first; NULL when there is no such timer.';

-- Why a timer was not changed.
CREATE FUNCTION timers_refusal(timer uuid) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT CASE WHEN status IN ('scheduled', 'running') THEN 'running' ELSE 'over' END
			 FROM timers_find(timer)), 'not_found')
$$;

COMMENT ON FUNCTION timers_refusal(uuid) IS 'running, over or not_found: why a timer cannot be changed.';

CREATE FUNCTION timers_change(timer uuid, due timestamptz, delay interval)
RETURNS TABLE (outcome text, shown timers_shown)
LANGUAGE plpgsql AS $$
DECLARE
	wanted timestamptz := coalesce(due, statement_timestamp() + delay);
BEGIN
	PERFORM timers_change_lock(timer);
	UPDATE timers SET due_at = wanted, next_at = greatest(wanted, clock_timestamp())
	WHERE id = timer AND next_at > clock_timestamp() + timers_closing();
	IF FOUND THEN
		RETURN QUERY SELECT 'changed', s FROM timers_shown AS s WHERE s.id = timer;
	ELSE
		RETURN QUERY SELECT timers_refusal(timer), NULL::timers_shown;
	END IF;
END
$$;

COMMENT ON FUNCTION timers_change(uuid, timestamptz, interval) IS 'Another due time for a timer that is still scheduled.';

CREATE FUNCTION timers_cancel(timer uuid) RETURNS TABLE (outcome text, shown timers_shown)
LANGUAGE plpgsql AS $$
DECLARE
	ended timestamptz;
BEGIN
	PERFORM timers_change_lock(timer);
	ended := clock_timestamp();
	WITH gone AS (
		DELETE FROM timers WHERE id = timer AND next_at > clock_timestamp() + timers_closing()
		RETURNING *
	)
	INSERT INTO timers_over (id, status, finished_at, due_at, destination, url, method, headers, payload,
		metadata, max_attempts, timeout_ms, attempts, attempt_log, created_at, request_id, traceparent)
	SELECT id, 'cancelled', ended, due_at, destination, url, method, headers, payload,
	       metadata, max_attempts, timeout_ms, attempts, attempt_log, created_at, request_id, traceparent
	FROM gone;
	IF FOUND THEN
		RETURN QUERY SELECT 'cancelled', row(s.*)::timers_shown FROM timers_over_shown AS s
		WHERE s.id = timer AND s."finishedAt" = ended;
	ELSE
		RETURN QUERY SELECT timers_refusal(timer), NULL::timers_shown;
	END IF;
END
$$;

COMMENT ON FUNCTION timers_cancel(uuid) IS 'Ends a timer that is still scheduled: it is never called again.';

-- One that is over begins anew, but for what is told of its attempts. When another request was quicker
-- and the timer is over again already, that is one more replay.
CREATE FUNCTION timers_fire(timer uuid, new_shard smallint) RETURNS TABLE (outcome text, shown timers_shown)
LANGUAGE plpgsql AS $$
DECLARE
	made timestamptz := timers_made(timer);
	fired timestamptz;
	refusal text := 'over';
BEGIN
	WHILE refusal = 'over' LOOP
		PERFORM timers_change_lock(timer);
		fired := clock_timestamp();
		UPDATE timers SET due_at = least(due_at, fired), next_at = fired
		WHERE id = timer AND next_at > clock_timestamp() + timers_closing();
		IF NOT FOUND THEN
			WITH gone AS (
				DELETE FROM timers_over
				WHERE id = timer AND finished_at BETWEEN made AND statement_timestamp() + interval '1 day'
				RETURNING *
			)
			INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, headers, payload,
				metadata, max_attempts, timeout_ms, attempt_log, created_at, request_id, traceparent)
			SELECT id, new_shard, least(due_at, fired), fired, destination, url, method, headers, payload,
			       metadata, max_attempts, timeout_ms, attempt_log, created_at, request_id, traceparent
			FROM gone;
		END IF;
		IF FOUND THEN
			RETURN QUERY SELECT 'fired', s FROM timers_shown AS s WHERE s.id = timer;
			RETURN;
		END IF;
		refusal := timers_refusal(timer);
	END LOOP;
	RETURN QUERY SELECT refusal, NULL::timers_shown;
END
$$;

COMMENT ON FUNCTION timers_fire(uuid, smallint) IS 'Lets a timer fire now: one that is scheduled, or once more one that is over.';
