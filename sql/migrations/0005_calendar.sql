-- The calendar: users' events, where each user's come from, and what each sync did.

CREATE TABLE calendar_state (
	only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	users_offered boolean NOT NULL DEFAULT false
);

INSERT INTO calendar_state DEFAULT VALUES;

COMMENT ON TABLE calendar_state IS 'One row: the state of the calendars as a whole.';
COMMENT ON COLUMN calendar_state.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN calendar_state.users_offered IS 'Whether the users of CALENDAR_USERS were put in once.';

CREATE TABLE calendars (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id       text NOT NULL UNIQUE,
	kind          text NOT NULL DEFAULT 'generator' CHECK (kind IN ('generator', 'json', 'ics')),
	url           text CHECK ((url IS NULL) = (kind = 'generator')),
	timezone      text NOT NULL DEFAULT 'UTC',
	created_at    timestamptz NOT NULL DEFAULT now(),
	updated_at    timestamptz NOT NULL DEFAULT now(),
	synced_at     timestamptz,
	sync_token    text,
	etag          text NOT NULL DEFAULT '',
	last_modified text NOT NULL DEFAULT '',
	window_on     date,
	events        bigint NOT NULL DEFAULT 0,
	due_at        timestamptz NOT NULL,
	asked_at      timestamptz,
	failures      bigint NOT NULL DEFAULT 0,
	last_status   text,
	lease_owner   uuid,
	lease_until   timestamptz
);

CREATE INDEX calendars_due ON calendars ((coalesce(lease_until, least(due_at, asked_at))));

COMMENT ON TABLE calendars IS 'One row for each user who is synced.';
COMMENT ON COLUMN calendars.id IS 'The calendar''s number.';
COMMENT ON COLUMN calendars.user_id IS 'Whose calendar it is.';
COMMENT ON COLUMN calendars.kind IS 'What its source is: the built-in generator, a JSON list, an iCalendar feed.';
COMMENT ON COLUMN calendars.url IS 'Where the source is; NULL for the generator.';
COMMENT ON COLUMN calendars.timezone IS 'IANA zone of the source''s times that name none.';
COMMENT ON COLUMN calendars.created_at IS 'When the user was first known.';
COMMENT ON COLUMN calendars.updated_at IS 'When the source was last changed.';
COMMENT ON COLUMN calendars.synced_at IS 'When a sync last saw all of this source; NULL: never yet.';
COMMENT ON COLUMN calendars.sync_token IS 'What the source wants to hear for the changes since then; NULL: whole lists only.';
COMMENT ON COLUMN calendars.etag IS 'ETag of the last whole answer.';
COMMENT ON COLUMN calendars.last_modified IS 'Last-Modified of the last whole answer.';
COMMENT ON COLUMN calendars.window_on IS 'The day around which occurrences were last computed; on another one the source is read anew.';
COMMENT ON COLUMN calendars.events IS 'Events that are stored and not deleted.';
COMMENT ON COLUMN calendars.due_at IS 'When the schedule wants the next sync; its place within the period stays.';
COMMENT ON COLUMN calendars.asked_at IS 'Since when a queued run waits; NULL: none does.';
COMMENT ON COLUMN calendars.failures IS 'Failed syncs since the last good one.';
COMMENT ON COLUMN calendars.last_status IS 'How the last sync ended: succeeded, partial, failed.';
COMMENT ON COLUMN calendars.lease_owner IS 'The hold of the sync under way: only who knows it may write the calendar''s events.';
COMMENT ON COLUMN calendars.lease_until IS 'When that hold ends by itself, should the daemon die.';

-- Without a foreign key, which costs more than all the rest of a first sync: calendars are not deleted, and
-- their events written by calendar_finish() alone, which locks the calendar's row.
CREATE TABLE calendar_events (
	calendar_id bigint NOT NULL,
	id          text COLLATE "C" NOT NULL,
	series      text COLLATE "C",
	starts_at   timestamptz NOT NULL,
	ends_at     timestamptz NOT NULL,
	item        text NOT NULL,
	digest      uuid NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT now(),
	changed_at  timestamptz NOT NULL DEFAULT now(),
	deleted_at  timestamptz,
	PRIMARY KEY (calendar_id, id)
);

CREATE INDEX calendar_events_list ON calendar_events (calendar_id, starts_at, id) INCLUDE (ends_at)
	WHERE deleted_at IS NULL;
CREATE INDEX calendar_events_deleted ON calendar_events (deleted_at) WHERE deleted_at IS NOT NULL;

COMMENT ON TABLE calendar_events IS 'Events of all calendars; those that vanished from their source stay for a while, marked.';
COMMENT ON COLUMN calendar_events.calendar_id IS 'Whose event it is.';
COMMENT ON COLUMN calendar_events.id IS 'The source''s id; for an occurrence of a series with what tells it from its like.';
COMMENT ON COLUMN calendar_events.series IS 'What the source calls the series it is an occurrence of; NULL: it is alone.';
COMMENT ON COLUMN calendar_events.starts_at IS 'The start; of an all-day event its midnight as if in UTC.';
COMMENT ON COLUMN calendar_events.ends_at IS 'The end, which does not belong to it; never before the start.';
COMMENT ON COLUMN calendar_events.item IS 'The finished JSON object of a list.';
COMMENT ON COLUMN calendar_events.digest IS 'Half a SHA-256 of all the source says of it: equal means nothing to write.';
COMMENT ON COLUMN calendar_events.created_at IS 'When it was first stored.';
COMMENT ON COLUMN calendar_events.changed_at IS 'When the row was last written.';
COMMENT ON COLUMN calendar_events.deleted_at IS 'When a sync found it gone; NULL while it is in the source.';

CREATE TABLE calendar_marks (
	calendar_id bigint NOT NULL REFERENCES calendars (id),
	place       bigint NOT NULL,
	starts_at   timestamptz NOT NULL,
	event_id    text COLLATE "C" NOT NULL,
	PRIMARY KEY (calendar_id, place)
);

COMMENT ON TABLE calendar_marks IS 'Every 50th event of a calendar''s list: a page begins behind a mark, however far it is.';
COMMENT ON COLUMN calendar_marks.calendar_id IS 'Whose list it is.';
COMMENT ON COLUMN calendar_marks.place IS 'The event''s place in the list, divided by 50.';
COMMENT ON COLUMN calendar_marks.starts_at IS 'The event''s start.';
COMMENT ON COLUMN calendar_marks.event_id IS 'The event.';

CREATE TABLE calendar_syncs (
	id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	calendar_id   bigint NOT NULL REFERENCES calendars (id),
	status        text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'partial', 'failed')),
	reason        text NOT NULL CHECK (reason IN ('schedule', 'request')),
	is_forced     boolean NOT NULL DEFAULT false,
	request_id    text,
	traceparent   text,
	queued_at     timestamptz NOT NULL DEFAULT now(),
	started_at    timestamptz,
	finished_at   timestamptz,
	requests      bigint NOT NULL DEFAULT 0,
	http_status   bigint,
	not_modified  boolean NOT NULL DEFAULT false,
	is_whole      boolean NOT NULL DEFAULT true,
	wire_bytes    bigint NOT NULL DEFAULT 0,
	body_bytes    bigint NOT NULL DEFAULT 0,
	created       bigint NOT NULL DEFAULT 0,
	updated       bigint NOT NULL DEFAULT 0,
	deleted       bigint NOT NULL DEFAULT 0,
	unchanged     bigint NOT NULL DEFAULT 0,
	rejected      bigint NOT NULL DEFAULT 0,
	problem_count bigint NOT NULL DEFAULT 0,
	problems      json NOT NULL DEFAULT '[]',
	error         text
);

CREATE INDEX calendar_syncs_calendar ON calendar_syncs (calendar_id, queued_at DESC, id DESC);
CREATE UNIQUE INDEX calendar_syncs_open ON calendar_syncs (calendar_id) WHERE status IN ('queued', 'running');
CREATE INDEX calendar_syncs_finished ON calendar_syncs (finished_at);

COMMENT ON TABLE calendar_syncs IS 'The record of every sync run; old ones are purged.';
COMMENT ON COLUMN calendar_syncs.id IS 'The run.';
COMMENT ON COLUMN calendar_syncs.calendar_id IS 'Whose calendar it syncs.';
COMMENT ON COLUMN calendar_syncs.status IS 'queued, running, succeeded, partial (stored, with problems) or failed (nothing changed).';
COMMENT ON COLUMN calendar_syncs.reason IS 'Asked for by the schedule or by a request.';
COMMENT ON COLUMN calendar_syncs.is_forced IS 'Whether more than half of the calendar may vanish at once.';
COMMENT ON COLUMN calendar_syncs.request_id IS 'X-Request-Id of the request that asked for it, passed on to the source; NULL: the run''s own id is.';
COMMENT ON COLUMN calendar_syncs.traceparent IS 'traceparent of that request (W3C Trace Context): its trace goes on; NULL: the run begins one.';
COMMENT ON COLUMN calendar_syncs.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN calendar_syncs.started_at IS 'When a daemon took it up.';
COMMENT ON COLUMN calendar_syncs.finished_at IS 'When it was over.';
COMMENT ON COLUMN calendar_syncs.requests IS 'Requests made to the source.';
COMMENT ON COLUMN calendar_syncs.http_status IS 'Status of the last answer; NULL when there was none.';
COMMENT ON COLUMN calendar_syncs.not_modified IS 'The source said that nothing has changed (304).';
COMMENT ON COLUMN calendar_syncs.is_whole IS 'The whole list was read; false: the changes since the last sync.';
COMMENT ON COLUMN calendar_syncs.wire_bytes IS 'Body bytes as they came, perhaps compressed.';
COMMENT ON COLUMN calendar_syncs.body_bytes IS 'Body bytes after decompression.';
COMMENT ON COLUMN calendar_syncs.created IS 'Events stored that were not in the list before.';
COMMENT ON COLUMN calendar_syncs.updated IS 'Events whose row changed.';
COMMENT ON COLUMN calendar_syncs.deleted IS 'Events that were in the list before and are no longer.';
COMMENT ON COLUMN calendar_syncs.unchanged IS 'Events that stood as the source gives them: not written.';
COMMENT ON COLUMN calendar_syncs.rejected IS 'Items that could not be stored.';
COMMENT ON COLUMN calendar_syncs.problem_count IS 'Faults found in what the source gave.';
COMMENT ON COLUMN calendar_syncs.problems IS 'The first 100 faults: id, reason.';
COMMENT ON COLUMN calendar_syncs.error IS 'Why it failed, for people.';

-- How long after a failure the schedule waits: the period, doubled with each, a day at most.
CREATE FUNCTION calendar_patience(failures bigint, period bigint) RETURNS interval
LANGUAGE sql IMMUTABLE AS $$
	SELECT least(period * 2 ^ least(failures - 1, 20), greatest(period, 86400)) * interval '1 second'
$$;

COMMENT ON FUNCTION calendar_patience(bigint, bigint) IS 'The least time from so many failures to the next scheduled sync, with a period in seconds.';

-- A user's calendar, made when there is none; locked for this transaction.
CREATE FUNCTION calendar_take(wanted text, period bigint) RETURNS calendars
LANGUAGE plpgsql AS $$
DECLARE
	taken calendars;
BEGIN
	LOOP
		SELECT * INTO taken FROM calendars WHERE user_id = wanted FOR UPDATE;
		IF FOUND THEN
			RETURN taken;
		END IF;
		INSERT INTO calendars (user_id, due_at)
		VALUES (wanted, now() + (0.5 + random() / 2) * period * interval '1 second')
		ON CONFLICT (user_id) DO NOTHING;
	END LOOP;
END
$$;

COMMENT ON FUNCTION calendar_take(text, bigint) IS 'The calendar of a user, made when there is none, due at some time of the period.';

-- Asking again while a run is queued or running gives that run, without waiting for its end: the calendar's row
-- is locked for a new one alone. A traceparent is kept when it is one (W3C Trace Context, section 3.2).
CREATE FUNCTION calendar_ask(wanted text, forced boolean, request text, trace text, period bigint)
RETURNS calendar_syncs
LANGUAGE plpgsql AS $$
DECLARE
	calendar bigint := (SELECT id FROM calendars WHERE user_id = wanted);
	run calendar_syncs;
BEGIN
	IF calendar IS NULL THEN
		calendar := (calendar_take(wanted, period)).id;
	END IF;
	INSERT INTO calendar_syncs AS s (calendar_id, status, reason, is_forced, request_id, traceparent)
	VALUES (calendar, 'queued', 'request', forced, request,
		CASE WHEN trace ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$' THEN trace END)
	ON CONFLICT (calendar_id) WHERE status IN ('queued', 'running')
	DO UPDATE SET is_forced = s.is_forced OR excluded.is_forced
	RETURNING * INTO run;
	IF run.status = 'queued' THEN
		UPDATE calendars SET asked_at = clock_timestamp() WHERE id = calendar AND asked_at IS NULL;
		IF FOUND THEN
			PERFORM pg_notify('almanac_calendar', '');
		END IF;
	END IF;
	RETURN run;
END
$$;

COMMENT ON FUNCTION calendar_ask(text, boolean, text, text, bigint) IS 'Queues a run for a user, or gives the one that is queued or running.';

-- What was known of another source is forgotten; a run under way begins anew with this one.
CREATE FUNCTION calendar_source(wanted text, new_kind text, new_url text, new_timezone text, period bigint)
RETURNS calendars
LANGUAGE plpgsql AS $$
DECLARE
	calendar calendars := calendar_take(wanted, period);
BEGIN
	IF (calendar.kind, calendar.url, calendar.timezone)
	   IS NOT DISTINCT FROM (new_kind, new_url, new_timezone) THEN
		RETURN calendar;
	END IF;
	UPDATE calendar_syncs SET status = 'queued', started_at = NULL, requests = 0
	WHERE calendar_id = calendar.id AND status = 'running';
	UPDATE calendars
	SET kind = new_kind, url = new_url, timezone = new_timezone, updated_at = now(),
	    synced_at = NULL, sync_token = NULL, etag = '', last_modified = '', window_on = NULL,
	    failures = 0, last_status = NULL, lease_owner = NULL, lease_until = NULL,
	    due_at = least(due_at, now() + period * interval '1 second'),
	    asked_at = CASE WHEN lease_owner IS NULL THEN asked_at ELSE clock_timestamp() END
	WHERE id = calendar.id
	RETURNING * INTO calendar;
	PERFORM pg_notify('almanac_calendar', '');
	RETURN calendar;
END
$$;

COMMENT ON FUNCTION calendar_source(text, text, text, text, bigint) IS 'Gives a user another source.';

-- Only rows that differ are written.
CREATE FUNCTION calendar_mark(calendar bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	live bigint;
BEGIN
	SELECT count(*) INTO live FROM calendar_events WHERE calendar_id = calendar AND deleted_at IS NULL;
	INSERT INTO calendar_marks AS m (calendar_id, place, starts_at, event_id)
	SELECT calendar, p.place / 50, p.starts_at, p.id
	FROM (
		SELECT e.starts_at, e.id, row_number() OVER (ORDER BY e.starts_at, e.id) - 1 AS place
		FROM (
			SELECT starts_at, id FROM calendar_events
			WHERE calendar_id = calendar AND deleted_at IS NULL
			ORDER BY starts_at, id
			LIMIT 5000
		) AS e
	) AS p
	WHERE p.place % 50 = 0
	ON CONFLICT (calendar_id, place) DO UPDATE
	SET starts_at = excluded.starts_at, event_id = excluded.event_id
	WHERE (m.starts_at, m.event_id) IS DISTINCT FROM (excluded.starts_at, excluded.event_id);
	DELETE FROM calendar_marks WHERE calendar_id = calendar AND place * 50 >= live;
	RETURN live;
END
$$;

COMMENT ON FUNCTION calendar_mark(bigint) IS 'Sets the marks of a calendar''s list anew; how many events it has.';

-- The changes of a sync and its record, in one transaction; only who holds the lease may write.
-- `told` names what the run knows: status, what it counted, what the source must hear the next time.
CREATE FUNCTION calendar_finish(calendar bigint, lease uuid, told json, ids text[], digests text[],
	series text[], starts text[], ends text[], items text[], gone text[], period bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	is_good boolean := told->>'status' <> 'failed';
	live bigint;
BEGIN
	SELECT c.events INTO live FROM calendars AS c
	WHERE c.id = calendar AND c.lease_owner = lease FOR UPDATE;
	IF NOT FOUND THEN
		RETURN 'stale';
	END IF;
	INSERT INTO calendar_events AS e (calendar_id, id, digest, series, starts_at, ends_at, item)
	SELECT calendar, i.id, i.digest::uuid, i.series,
	       'epoch'::timestamptz + i.starts::bigint * interval '1 microsecond',
	       'epoch'::timestamptz + i.ends::bigint * interval '1 microsecond', i.item
	FROM unnest(ids, digests, series, starts, ends, items) AS i (id, digest, series, starts, ends, item)
	ON CONFLICT (calendar_id, id) DO UPDATE
	SET digest = excluded.digest, series = excluded.series, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
	    item = excluded.item, changed_at = now(), deleted_at = NULL;
	UPDATE calendar_events AS e SET deleted_at = now(), changed_at = now()
	WHERE e.calendar_id = calendar AND e.id = ANY (gone) AND e.deleted_at IS NULL;
	IF cardinality(ids) + cardinality(gone) > 0 THEN
		live := calendar_mark(calendar);
	END IF;
	UPDATE calendars AS c
	SET lease_owner = NULL, lease_until = NULL, events = live, last_status = told->>'status',
	    failures = CASE WHEN is_good THEN 0 ELSE c.failures + 1 END,
	    synced_at = CASE WHEN is_good THEN now() ELSE c.synced_at END,
	    sync_token = CASE WHEN is_good THEN told->>'syncToken' ELSE c.sync_token END,
	    etag = CASE WHEN is_good THEN told->>'etag' ELSE c.etag END,
	    last_modified = CASE WHEN is_good THEN told->>'lastModified' ELSE c.last_modified END,
	    window_on = CASE WHEN is_good THEN (told->>'windowOn')::date ELSE c.window_on END,
	    due_at = CASE WHEN is_good THEN c.due_at
			  ELSE greatest(c.due_at, now() + calendar_patience(c.failures + 1, period),
					now() + (told->>'waitSeconds')::bigint * interval '1 second') END
	WHERE c.id = calendar;
	UPDATE calendar_syncs AS s
	SET status = told->>'status', finished_at = clock_timestamp(), requests = (told->>'requests')::bigint,
	    http_status = nullif((told->>'httpStatus')::bigint, 0),
	    not_modified = (told->>'notModified')::boolean, is_whole = (told->>'isWhole')::boolean,
	    wire_bytes = (told->>'wireBytes')::bigint, body_bytes = (told->>'bodyBytes')::bigint,
	    created = (told->>'created')::bigint, updated = (told->>'updated')::bigint,
	    deleted = (told->>'deleted')::bigint, unchanged = (told->>'unchanged')::bigint,
	    rejected = (told->>'rejected')::bigint, problem_count = (told->>'problemCount')::bigint,
	    problems = told->'problems', error = told->>'error'
	WHERE s.calendar_id = calendar AND s.status = 'running';
	RETURN 'finished';
END
$$;

COMMENT ON FUNCTION calendar_finish(bigint, uuid, json, text[], text[], text[], text[], text[], text[], text[], bigint) IS 'Ends a sync: stores what it found and how it went.';
