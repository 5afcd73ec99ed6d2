-- Tasks: what webhooks tell of them, and the reports about them. Every webhook is kept, in partitions by
-- day; the tasks are what follows from the facts among them.

CREATE TABLE webhooks (
	id          bigint GENERATED ALWAYS AS IDENTITY,
	received_at timestamptz NOT NULL,
	status      smallint NOT NULL,
	kind        smallint,
	at          timestamptz,
	task_id     text COLLATE "C",
	webhook_id  text,
	is_repeat   boolean NOT NULL,
	headers     text NOT NULL,
	answer      text,
	body        bytea NOT NULL
) PARTITION BY RANGE (received_at);

CREATE INDEX webhooks_id ON webhooks (id);
CREATE INDEX webhooks_task ON webhooks (task_id);

COMMENT ON TABLE webhooks IS 'Every webhook that came to /webhook, with its answer, in one partition per day of receipt.';
COMMENT ON COLUMN webhooks.id IS 'A number that rises in about the order of receipt.';
COMMENT ON COLUMN webhooks.received_at IS 'When it came; the partition''s day, UTC. Of two about one task the earlier answered is the earlier.';
COMMENT ON COLUMN webhooks.status IS 'HTTP status of its answer.';
COMMENT ON COLUMN webhooks.kind IS 'What it says of the task, in the order in which facts of the same time count: 0 created, 1 created as completed, 2 open, 3 content only, 4 completed, 5 deleted. NULL: nothing that counts (repeated, refused as a duplicate, not valid).';
COMMENT ON COLUMN webhooks.at IS 'Its timestamp; NULL when it is not valid.';
COMMENT ON COLUMN webhooks.task_id IS 'Its task; NULL when it is not valid.';
COMMENT ON COLUMN webhooks.webhook_id IS 'Header webhook-id; NULL: none came.';
COMMENT ON COLUMN webhooks.is_repeat IS 'It had come before, by webhook-id and body, and got the first answer again.';
COMMENT ON COLUMN webhooks.headers IS 'The headers that matter, a JSON object.';
COMMENT ON COLUMN webhooks.answer IS 'Body of its answer, JSON; NULL: the one that always goes with the status.';
COMMENT ON COLUMN webhooks.body IS 'The body, byte for byte.';

CREATE TABLE webhook_keys (
	key        uuid PRIMARY KEY,
	outcome    text NOT NULL,
	created_at timestamptz NOT NULL
);

CREATE INDEX webhook_keys_created ON webhook_keys USING brin (created_at);

COMMENT ON TABLE webhook_keys IS 'Webhooks that came with a webhook-id, kept for 7 days at least: redeliveries get the first answer again.';
COMMENT ON COLUMN webhook_keys.key IS 'Half a SHA-256 of webhook-id and body.';
COMMENT ON COLUMN webhook_keys.outcome IS 'The first outcome.';
COMMENT ON COLUMN webhook_keys.created_at IS 'When it came first.';

CREATE TABLE tasks (
	id                text COLLATE "C" PRIMARY KEY,
	user_id           text COLLATE "C" NOT NULL,
	content           text NOT NULL,
	created_at        timestamptz,
	created_seen_at   timestamptz,
	completed_at      timestamptz,
	completed_seen_at timestamptz,
	deleted_at        timestamptz,
	newest_at         timestamptz NOT NULL,
	first_seen_at     timestamptz NOT NULL,
	is_listed         boolean NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX tasks_user ON tasks (is_listed, user_id, id);

COMMENT ON TABLE tasks IS 'The tasks, as the facts in webhooks make them.';
COMMENT ON COLUMN tasks.id IS 'The id its sender gave it.';
COMMENT ON COLUMN tasks.user_id IS 'Whose task it is; empty while only facts came and no creation.';
COMMENT ON COLUMN tasks.content IS 'Its text.';
COMMENT ON COLUMN tasks.created_at IS 'When it was created; NULL: facts came, its creation has not yet.';
COMMENT ON COLUMN tasks.created_seen_at IS 'When that was received.';
COMMENT ON COLUMN tasks.completed_at IS 'When it was completed, first since it was last reopened; NULL: it is open.';
COMMENT ON COLUMN tasks.completed_seen_at IS 'When that was received.';
COMMENT ON COLUMN tasks.deleted_at IS 'When it was deleted; it keeps what it was.';
COMMENT ON COLUMN tasks.newest_at IS 'The newest time of all its facts: what comes behind it needs no look at them.';
COMMENT ON COLUMN tasks.first_seen_at IS 'When the first of its facts was received.';
COMMENT ON COLUMN tasks.is_listed IS 'Whether a report to come may tell of it.';

CREATE TABLE report_state (
	only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	told_until timestamptz,
	seen_until timestamptz,
	run        uuid,
	ends_at    timestamptz,
	due_until  timestamptz,
	single     bigint,
	written_at timestamptz
);

INSERT INTO report_state DEFAULT VALUES;

COMMENT ON TABLE report_state IS 'One row: how far the reports have come.';
COMMENT ON COLUMN report_state.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN report_state.told_until IS 'End of the last period that was written: the start of the next. NULL before the first.';
COMMENT ON COLUMN report_state.seen_until IS 'What was received until then has been told, or is not late when it is told.';
COMMENT ON COLUMN report_state.run IS 'The run that writes the period under way: only it may say that it is written.';
COMMENT ON COLUMN report_state.ends_at IS 'End of the period under way; NULL: none is.';
COMMENT ON COLUMN report_state.due_until IS 'What is received later does not count for the period under way.';
COMMENT ON COLUMN report_state.single IS 'How many missed periods are still to be written one by one; NULL: not so many were missed.';
COMMENT ON COLUMN report_state.written_at IS 'When the last period was written.';

CREATE TABLE report_files (
	name       text COLLATE "C" PRIMARY KEY,
	user_id    text COLLATE "C" NOT NULL,
	starts_at  timestamptz NOT NULL,
	ends_at    timestamptz NOT NULL,
	bytes      bigint NOT NULL,
	written_at timestamptz NOT NULL
);

CREATE INDEX report_files_end ON report_files (ends_at, name);
CREATE INDEX report_files_user ON report_files (user_id, ends_at, name);

COMMENT ON TABLE report_files IS 'The report files that were written, kept REPORT_RETENTION_DAYS.';
COMMENT ON COLUMN report_files.name IS 'Name of the file in REPORT_DIR.';
COMMENT ON COLUMN report_files.user_id IS 'Whose report it is.';
COMMENT ON COLUMN report_files.starts_at IS 'Start of its period, which does not belong to it.';
COMMENT ON COLUMN report_files.ends_at IS 'End of its period, which does.';
COMMENT ON COLUMN report_files.bytes IS 'Its size.';
COMMENT ON COLUMN report_files.written_at IS 'When it was written.';

SELECT day_partitions('webhooks', 0);

-- --- what follows from facts ---
--
-- The state of a task is what its facts give in the order of (timestamp, kind, text), whatever the order
-- in which they came:
--
--   deleted    at the earliest deletion, whatever its time: deletion wins
--   facts that count are those from the creation on, and not behind the deletion
--   open       from the newest fact that says so
--   completed  at the earliest completion that is not before that
--   content    and user are those of the newest fact, of equals the one with the greater text
CREATE FUNCTION tasks_fold(task text, since timestamptz)
RETURNS TABLE (user_id text, content text, created_at timestamptz, created_seen_at timestamptz,
	       completed_at timestamptz, completed_seen_at timestamptz, deleted_at timestamptz,
	       newest_at timestamptz, first_seen_at timestamptz)
LANGUAGE sql STABLE AS $$
	WITH facts AS MATERIALIZED (
		SELECT w.at, w.kind, w.received_at, w.id, w.body
		FROM webhooks AS w
		WHERE w.task_id = task AND w.received_at >= since AND w.kind IS NOT NULL
	),
	born AS (
		SELECT * FROM facts WHERE kind <= 1 ORDER BY received_at, id LIMIT 1
	),
	gone AS (
		SELECT min(at) AS at FROM facts WHERE kind = 5
	),
	counting AS (
		SELECT * FROM born
		UNION ALL
		SELECT f.* FROM facts AS f, born, gone
		WHERE f.kind BETWEEN 2 AND 4 AND f.at >= born.at AND (gone.at IS NULL OR f.at <= gone.at)
	),
	opened AS (
		SELECT max(at) AS at FROM counting WHERE kind IN (0, 2)
	),
	done AS (
		SELECT c.at, c.received_at
		FROM counting AS c, opened
		WHERE c.kind IN (1, 4) AND (opened.at IS NULL OR c.at >= opened.at)
		ORDER BY c.at, c.received_at
		LIMIT 1
	),
	told AS (
		SELECT m.metadata ->> 'userId' AS user_id, m.metadata ->> 'content' AS content
		FROM counting AS c,
		     LATERAL (SELECT convert_from(c.body, 'UTF8')::json -> 'metadata' AS metadata) AS m
		ORDER BY c.at DESC, c.kind DESC, (m.metadata ->> 'content') COLLATE "C" DESC,
			 (m.metadata ->> 'userId') COLLATE "C" DESC
		LIMIT 1
	)
	SELECT told.user_id, told.content, born.at, born.received_at, done.at, done.received_at, gone.at,
	       (SELECT max(at) FROM facts), (SELECT min(received_at) FROM facts)
	FROM born CROSS JOIN told CROSS JOIN gone LEFT JOIN done ON true
$$;

COMMENT ON FUNCTION tasks_fold(text, timestamptz) IS 'A task as its facts received since then make it; no row while its creation has not come.';

-- One webhook that is valid: kept, judged by the table of outcomes, and told. Whoever plans a report
-- takes the lock exclusively: what was received before the plan is committed then.
CREATE FUNCTION tasks_receive(said smallint, said_at timestamptz, said_user text, task text, said_content text,
			      said_key uuid, said_webhook_id text, said_headers text, said_body bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	t tasks;
	f record;
	seen timestamptz;
	counts smallint := said;
	code smallint := 202;
	word text := 'accepted';
	known text;
BEGIN
	PERFORM pg_advisory_xact_lock_shared(47015, 0);
	seen := clock_timestamp();
	IF said <= 1 THEN
		INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, completed_at, completed_seen_at,
				   newest_at, first_seen_at, is_listed)
		VALUES (task, said_user, said_content, said_at, seen, CASE WHEN said = 1 THEN said_at END,
			CASE WHEN said = 1 THEN seen END, said_at, seen, true)
		ON CONFLICT (id) DO NOTHING;
		IF FOUND THEN
			INSERT INTO webhooks (received_at, status, kind, at, task_id, webhook_id, is_repeat, headers, body)
			VALUES (seen, 202, said, said_at, task, said_webhook_id, false, said_headers, said_body);
			IF said_key IS NOT NULL THEN
				INSERT INTO webhook_keys (key, outcome, created_at) VALUES (said_key, word, seen)
				ON CONFLICT DO NOTHING;
			END IF;
			RETURN word;
		END IF;
	END IF;

	SELECT * INTO t FROM tasks WHERE id = task FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		INSERT INTO tasks (id, user_id, content, newest_at, first_seen_at, is_listed)
		VALUES (task, '', '', said_at, seen, false)
		ON CONFLICT (id) DO NOTHING;
		SELECT * INTO t FROM tasks WHERE id = task FOR NO KEY UPDATE;
	END IF;
	-- Whoever had the row before was received before.
	seen := clock_timestamp();
	IF said_key IS NOT NULL THEN
		SELECT outcome INTO known FROM webhook_keys WHERE key = said_key;
	END IF;

	IF known IS NOT NULL THEN
		word := known;
		counts := NULL;
	ELSIF said <= 1 AND t.created_at IS NOT NULL THEN
		word := 'duplicate';
		counts := NULL;
	ELSIF said > 1 AND t.created_at IS NULL THEN
		word := 'not_found';
	ELSIF said BETWEEN 2 AND 4 AND t.deleted_at IS NOT NULL AND t.completed_at IS NULL THEN
		word := 'refused';
	END IF;
	code := CASE word WHEN 'accepted' THEN 202 WHEN 'duplicate' THEN 409 WHEN 'not_found' THEN 404 ELSE 400 END;
	INSERT INTO webhooks (received_at, status, kind, at, task_id, webhook_id, is_repeat, headers, body)
	VALUES (seen, code, counts, said_at, task, said_webhook_id, known IS NOT NULL, said_headers, said_body);
	IF known IS NOT NULL THEN
		RETURN 'repeated ' || known;
	END IF;
	IF said_key IS NOT NULL THEN
		INSERT INTO webhook_keys (key, outcome, created_at) VALUES (said_key, word, seen);
	END IF;

	CASE
	WHEN counts IS NULL OR (said > 1 AND t.created_at IS NULL) THEN
		NULL;
	WHEN t.created_at IS NOT NULL AND t.deleted_at IS NULL AND said BETWEEN 2 AND 4 AND said_at > t.newest_at THEN
		UPDATE tasks
		SET user_id = said_user, content = said_content, newest_at = said_at, is_listed = true,
		    completed_at = CASE said WHEN 2 THEN NULL WHEN 3 THEN t.completed_at
				   ELSE coalesce(t.completed_at, said_at) END,
		    completed_seen_at = CASE said WHEN 2 THEN NULL WHEN 3 THEN t.completed_seen_at
					ELSE coalesce(t.completed_seen_at, seen) END
		WHERE id = task;
	WHEN t.created_at IS NOT NULL AND t.deleted_at IS NULL AND said = 5 AND said_at >= t.newest_at THEN
		UPDATE tasks SET deleted_at = said_at, newest_at = said_at, is_listed = true WHERE id = task;
	WHEN t.created_at IS NOT NULL AND said_at > t.deleted_at THEN
		NULL;
	WHEN t.created_at IS NOT NULL AND said BETWEEN 2 AND 4 AND said_at < t.created_at THEN
		NULL;
	ELSE
		SELECT * INTO STRICT f FROM tasks_fold(task, t.first_seen_at);
		UPDATE tasks
		SET user_id = f.user_id, content = f.content, created_at = f.created_at,
		    created_seen_at = f.created_seen_at, completed_at = f.completed_at,
		    completed_seen_at = CASE WHEN f.completed_at IS NULL THEN NULL
					     WHEN f.completed_at = t.completed_at THEN t.completed_seen_at
					     ELSE seen END,
		    deleted_at = f.deleted_at, newest_at = f.newest_at, is_listed = true
		WHERE id = task;
	END CASE;
	RETURN word;
END
$$;

COMMENT ON FUNCTION tasks_receive(smallint, timestamptz, text, text, text, uuid, text, text, bytea) IS 'Takes one valid webhook: accepted, duplicate, not_found, refused; with "repeated " in front when it had come before.';

CREATE FUNCTION tasks_made(kinds smallint[], ats timestamptz[], users text[], ids text[], contents text[], seen timestamptz)
RETURNS SETOF tasks
LANGUAGE sql IMMUTABLE AS $$
	SELECT g.id, g.user_id, g.content, g.at, seen, CASE WHEN g.kind = 1 THEN g.at END,
	       CASE WHEN g.kind = 1 THEN seen END, NULL::timestamptz, g.at, seen, true
	FROM unnest(kinds, ats, users, ids, contents) AS g (kind, at, user_id, id, content)
	WHERE g.kind <= 1
$$;

COMMENT ON FUNCTION tasks_made(smallint[], timestamptz[], text[], text[], text[], timestamptz) IS 'The tasks as those of many webhooks make them that create one.';

-- Many webhooks that are valid, each as tasks_receive takes it. Tasks that are new are made by one
-- statement for all, and all are taken for new until one is not: to look for each of them first costs a
-- third more. What is left comes one after the other.
CREATE FUNCTION tasks_receive_many(kinds smallint[], ats timestamptz[], users text[], ids text[], contents text[],
				   keys uuid[], webhook_ids text[], headers text[], bodies bytea[])
RETURNS TABLE (place bigint, said text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	seen timestamptz;
	are_new boolean[];
BEGIN
	PERFORM pg_advisory_xact_lock_shared(47015, 0);
	seen := clock_timestamp();
	BEGIN
		INSERT INTO tasks SELECT * FROM tasks_made(kinds, ats, users, ids, contents, seen);
		are_new := ARRAY (SELECT kind <= 1 FROM unnest(kinds) AS kind);
	EXCEPTION WHEN unique_violation THEN
		WITH made AS (
			INSERT INTO tasks SELECT * FROM tasks_made(kinds, ats, users, ids, contents, seen)
			ON CONFLICT (id) DO NOTHING
			RETURNING id
		),
		-- Of those that would create the same task the first did.
		judged AS (
			SELECT g.place, made.id IS NOT NULL AND row_number() OVER (PARTITION BY made.id ORDER BY g.place) = 1 AS is_new
			FROM unnest(ids, kinds) WITH ORDINALITY AS g (id, kind, place)
			LEFT JOIN made ON made.id = g.id AND g.kind <= 1
		)
		SELECT array_agg(is_new ORDER BY place) INTO are_new FROM judged;
	END;
	INSERT INTO webhooks (received_at, status, kind, at, task_id, webhook_id, is_repeat, headers, body)
	SELECT seen, 202, g.kind, g.at, g.id, g.webhook_id, false, g.headers, g.body
	FROM unnest(are_new, kinds, ats, ids, webhook_ids, headers, bodies)
	     AS g (is_new, kind, at, id, webhook_id, headers, body)
	WHERE g.is_new;
	IF array_remove(keys, NULL) <> '{}' THEN
		INSERT INTO webhook_keys (key, outcome, created_at)
		SELECT g.key, 'accepted', seen
		FROM unnest(are_new, keys) AS g (is_new, key)
		WHERE g.is_new AND g.key IS NOT NULL
		ON CONFLICT DO NOTHING;
	END IF;
	IF true = ALL (are_new) THEN
		RETURN QUERY SELECT g, 'accepted' FROM generate_series(1::bigint, cardinality(are_new)) AS g;
		RETURN;
	END IF;
	RETURN QUERY
	SELECT g.place,
	       CASE WHEN g.is_new THEN 'accepted'
		    ELSE tasks_receive(g.kind, g.at, g.user_id, g.id, g.content, g.key, g.webhook_id, g.headers, g.body) END
	FROM unnest(are_new, kinds, ats, users, ids, contents, keys, webhook_ids, headers, bodies) WITH ORDINALITY
	     AS g (is_new, kind, at, user_id, id, content, key, webhook_id, headers, body, place);
END
$$;

COMMENT ON FUNCTION tasks_receive_many(smallint[], timestamptz[], text[], text[], text[], uuid[], text[], text[], bytea[]) IS 'Takes many valid webhooks: for each its number, and what tasks_receive says.';

-- --- reports ---

-- The next period to write: the one under way when its run did not end, else from the last end on to the
-- next multiple of the interval, as soon as that has come. Of more than `most` missed periods so many are
-- written one by one and the rest as one. The first call only begins to count.
CREATE FUNCTION reports_plan(me uuid, seconds bigint, most bigint)
RETURNS TABLE (outcome text, starts_us bigint, ends_us bigint, seen_us bigint, due_us bigint, missed bigint, wait_us bigint)
LANGUAGE plpgsql AS $$
DECLARE
	s report_state;
	now_s numeric;
	last_s numeric;
	told_s numeric;
BEGIN
	SELECT * INTO s FROM report_state FOR UPDATE;
	now_s := extract(epoch FROM clock_timestamp());
	last_s := floor(now_s / seconds) * seconds;
	wait_us := ceil((last_s + seconds - now_s) * 1000000);
	missed := 0;
	outcome := 'nothing';
	IF s.told_until IS NULL THEN
		UPDATE report_state SET told_until = to_timestamp(last_s), seen_until = '1970-01-01Z';
		RETURN NEXT;
		RETURN;
	END IF;
	told_s := extract(epoch FROM s.told_until);
	IF s.ends_at IS NULL THEN
		missed := ceil((last_s - told_s) / seconds);
		IF missed <= 0 THEN
			IF s.single IS NOT NULL THEN
				UPDATE report_state SET single = NULL;
			END IF;
			RETURN NEXT;
			RETURN;
		END IF;
		PERFORM set_config('lock_timeout', '250ms', true);
		PERFORM pg_advisory_xact_lock(47015, 0);
		s.due_until := clock_timestamp();
		s.ends_at := to_timestamp(CASE WHEN s.single = 0 THEN last_s
					       ELSE (floor(told_s / seconds) + 1) * seconds END);
		s.single := CASE WHEN s.single = 0 THEN NULL
				 WHEN s.single > 0 THEN s.single - 1
				 WHEN missed > most THEN most - 1 END;
	END IF;
	UPDATE report_state
	SET run = me, ends_at = s.ends_at, due_until = s.due_until, single = s.single;
	outcome := 'planned';
	starts_us := told_s * 1000000;
	ends_us := extract(epoch FROM s.ends_at) * 1000000;
	seen_us := extract(epoch FROM s.seen_until) * 1000000;
	due_us := extract(epoch FROM s.due_until) * 1000000;
	RETURN NEXT;
END
$$;

COMMENT ON FUNCTION reports_plan(uuid, bigint, bigint) IS 'The period that this run is to write, in microseconds since 1970: planned or nothing; how many periods are missed, and how long until the next one ends.';

-- What a period has to say of a task: which list, at what time, and whether it came late. `seen` and `due`
-- bound what was received for this report; NULL and infinity for one on request.
CREATE FUNCTION reports_place(t tasks, starts timestamptz, ends timestamptz, seen timestamptz, due timestamptz)
RETURNS TABLE (list text, at timestamptz, is_late boolean)
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN NOT c.is_there THEN NULL
		    WHEN c.is_completed AND (t.completed_at > starts OR t.completed_seen_at > seen) THEN 'completed'
		    WHEN c.is_completed OR t.deleted_at <= ends THEN NULL
		    WHEN t.created_at > starts THEN 'new'
		    ELSE 'old' END,
	       CASE WHEN c.is_completed THEN t.completed_at ELSE t.created_at END,
	       CASE WHEN c.is_completed THEN t.completed_at <= starts
		    ELSE t.created_at <= starts AND t.created_seen_at > seen END
	FROM (SELECT t.created_at <= ends AND t.created_seen_at <= due AS is_there,
		     coalesce(t.completed_at <= ends AND t.completed_seen_at <= due, false) AS is_completed) AS c
$$;

COMMENT ON FUNCTION reports_place(tasks, timestamptz, timestamptz, timestamptz, timestamptz) IS 'List (new, completed, old; NULL: none), time and lateness of a task in a report.';

-- Whether the reports up to this one are the last to tell of a task.
CREATE FUNCTION reports_is_over(t tasks, starts timestamptz, seen timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN t.completed_at IS NOT NULL THEN t.completed_at <= starts AND t.completed_seen_at <= seen
		    ELSE coalesce(t.deleted_at <= starts, false) END
$$;

COMMENT ON FUNCTION reports_is_over(tasks, timestamptz, timestamptz) IS 'Whether no report from that start on will tell of the task as it is.';

-- --- from the audit ---

-- Makes every task anew from its facts and compares; with `is_dry` nothing is written. A task whose
-- creation is no longer among the webhooks that are kept cannot be judged, and stays.
CREATE FUNCTION tasks_rebuild(is_dry boolean)
RETURNS TABLE (agree bigint, differ bigint, missing bigint, unjudged bigint, example text)
LANGUAGE plpgsql AS $$
DECLARE
	w record;
	f record;
	t tasks;
	is_known boolean;
BEGIN
	PERFORM pg_advisory_xact_lock(47015, 0);
	agree := 0;
	differ := 0;
	missing := 0;
	FOR w IN SELECT DISTINCT h.task_id FROM webhooks AS h WHERE h.kind <= 1 ORDER BY h.task_id LOOP
		SELECT * INTO STRICT f FROM tasks_fold(w.task_id, '-infinity');
		SELECT * INTO t FROM tasks WHERE id = w.task_id;
		is_known := FOUND;
		IF is_known AND ROW (t.user_id, t.content, t.created_at, t.completed_at, t.deleted_at)
				IS NOT DISTINCT FROM
				ROW (f.user_id, f.content, f.created_at, f.completed_at, f.deleted_at) THEN
			agree := agree + 1;
			CONTINUE;
		END IF;
		example := coalesce(example, w.task_id);
		differ := differ + is_known::integer;
		missing := missing + (NOT is_known)::integer;
		CONTINUE WHEN is_dry;
		INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, completed_at, completed_seen_at,
				   deleted_at, newest_at, first_seen_at, is_listed)
		VALUES (w.task_id, f.user_id, f.content, f.created_at, f.created_seen_at, f.completed_at,
			f.completed_seen_at, f.deleted_at, f.newest_at, f.first_seen_at, true)
		ON CONFLICT (id) DO UPDATE
		SET user_id = excluded.user_id, content = excluded.content, created_at = excluded.created_at,
		    created_seen_at = excluded.created_seen_at, completed_at = excluded.completed_at,
		    completed_seen_at = excluded.completed_seen_at, deleted_at = excluded.deleted_at,
		    newest_at = excluded.newest_at, first_seen_at = excluded.first_seen_at, is_listed = true;
	END LOOP;
	SELECT count(*) INTO unjudged
	FROM tasks AS k
	WHERE k.created_at IS NOT NULL
	  AND NOT EXISTS (SELECT FROM webhooks AS h WHERE h.task_id = k.id AND h.kind <= 1);
	RETURN NEXT;
END
$$;

COMMENT ON FUNCTION tasks_rebuild(boolean) IS 'Makes the tasks from the webhooks again: how many agreed, differed, were missing, could not be judged, and one that was not as it should be.';
