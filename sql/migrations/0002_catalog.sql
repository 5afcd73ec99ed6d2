-- The catalog: providers of public events, their events, and what each sync did.

CREATE TABLE catalog_state (
	only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	edition         bigint NOT NULL DEFAULT 1,
	removed_edition bigint NOT NULL DEFAULT 1,
	changed_at      timestamptz NOT NULL DEFAULT now(),
	epoch           uuid NOT NULL DEFAULT gen_random_uuid(),
	demo_offered    boolean NOT NULL DEFAULT false
);

INSERT INTO catalog_state DEFAULT VALUES;

COMMENT ON TABLE catalog_state IS 'One row: the state of the catalog as a whole.';
COMMENT ON COLUMN catalog_state.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN catalog_state.edition IS 'Rises in every transaction that changes what a search can find.';
COMMENT ON COLUMN catalog_state.removed_edition IS 'The edition that last took events away: older pictures are built anew.';
COMMENT ON COLUMN catalog_state.changed_at IS 'When the edition last rose: Last-Modified of searches.';
COMMENT ON COLUMN catalog_state.epoch IS 'Tells this database from others in ETags.';
COMMENT ON COLUMN catalog_state.demo_offered IS 'Whether the demo provider was put in once; it is not put back when deleted.';

CREATE TABLE catalog_providers (
	id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name             text NOT NULL,
	url              text NOT NULL,
	timezone         text NOT NULL DEFAULT 'UTC',
	interval_seconds bigint CHECK (interval_seconds > 0),
	created_at       timestamptz NOT NULL DEFAULT now(),
	updated_at       timestamptz NOT NULL DEFAULT now(),
	deleted_at       timestamptz,
	next_sync_at     timestamptz NOT NULL DEFAULT now(),
	lease_owner      uuid,
	lease_until      timestamptz,
	etag             text NOT NULL DEFAULT '',
	last_modified    text NOT NULL DEFAULT '',
	body_digest      text NOT NULL DEFAULT '',
	last_synced_at   timestamptz,
	last_status      text,
	failures         bigint NOT NULL DEFAULT 0,
	events           bigint NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX catalog_providers_name ON catalog_providers (name) WHERE deleted_at IS NULL;

COMMENT ON TABLE catalog_providers IS 'Providers of event feeds.';
COMMENT ON COLUMN catalog_providers.id IS 'The provider''s number.';
COMMENT ON COLUMN catalog_providers.name IS 'A name for people, unique among those that are not deleted.';
COMMENT ON COLUMN catalog_providers.url IS 'Where the XML feed is; almanac:demo is the feed inside the daemon.';
COMMENT ON COLUMN catalog_providers.timezone IS 'IANA zone of the feed''s times that carry no offset.';
COMMENT ON COLUMN catalog_providers.interval_seconds IS 'Seconds between syncs; NULL: the daemon''s EVENTS_SYNC_DELAY_SECONDS.';
COMMENT ON COLUMN catalog_providers.created_at IS 'When it was created.';
COMMENT ON COLUMN catalog_providers.updated_at IS 'When its description last changed.';
COMMENT ON COLUMN catalog_providers.deleted_at IS 'When it was deleted; its events are hidden at once and removed in the background.';
COMMENT ON COLUMN catalog_providers.next_sync_at IS 'When it is to be synced next.';
COMMENT ON COLUMN catalog_providers.lease_owner IS 'The hold of the sync under way: only who knows it may write the provider''s events.';
COMMENT ON COLUMN catalog_providers.lease_until IS 'When that hold ends by itself, should the daemon die.';
COMMENT ON COLUMN catalog_providers.etag IS 'ETag of the last feed that was merged whole.';
COMMENT ON COLUMN catalog_providers.last_modified IS 'Last-Modified of the last feed that was merged whole.';
COMMENT ON COLUMN catalog_providers.body_digest IS 'SHA-256 of the last feed that was merged whole, in hex.';
COMMENT ON COLUMN catalog_providers.last_synced_at IS 'When a sync last saw the whole feed.';
COMMENT ON COLUMN catalog_providers.last_status IS 'How the last sync ended: succeeded, partial, failed.';
COMMENT ON COLUMN catalog_providers.failures IS 'Failed syncs since the last good one.';
COMMENT ON COLUMN catalog_providers.events IS 'Events stored from the last feed that was merged whole.';

CREATE TABLE catalog_events (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	uuid          uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
	provider_id   bigint NOT NULL REFERENCES catalog_providers (id),
	base_id       text NOT NULL,
	event_id      text NOT NULL,
	title         text NOT NULL,
	is_online     boolean NOT NULL,
	was_online    boolean NOT NULL,
	starts_at     timestamptz NOT NULL,
	ends_at       timestamptz,
	sell_from     timestamptz,
	sell_to       timestamptz,
	sold_out      boolean NOT NULL,
	is_available  boolean NOT NULL,
	min_price     numeric(18, 6),
	max_price     numeric(18, 6),
	item          text NOT NULL,
	zones         json NOT NULL,
	digest        uuid NOT NULL,
	edition       bigint NOT NULL,
	first_seen_at timestamptz NOT NULL DEFAULT now(),
	last_seen_at  timestamptz,
	UNIQUE (provider_id, base_id, event_id)
);

CREATE INDEX catalog_events_start ON catalog_events (starts_at, id)
	INCLUDE (ends_at, provider_id, min_price, max_price, is_available, was_online);
CREATE INDEX catalog_events_edition ON catalog_events (edition, id);
CREATE INDEX catalog_events_present ON catalog_events (provider_id, id) WHERE last_seen_at IS NULL;
CREATE INDEX catalog_events_title ON catalog_events USING gin (to_tsvector('simple', title))
	WITH (fastupdate = off);

COMMENT ON TABLE catalog_events IS 'Events of all providers; whatever was ever online stays searchable.';
COMMENT ON COLUMN catalog_events.id IS 'A stable integer.';
COMMENT ON COLUMN catalog_events.uuid IS 'A stable UUID.';
COMMENT ON COLUMN catalog_events.provider_id IS 'Whose event it is.';
COMMENT ON COLUMN catalog_events.base_id IS 'The feed''s base event id; with event_id its identity at the provider.';
COMMENT ON COLUMN catalog_events.event_id IS 'The feed''s event id, unique within its base.';
COMMENT ON COLUMN catalog_events.title IS 'The title; may be empty.';
COMMENT ON COLUMN catalog_events.is_online IS 'Whether the feed last said sell_mode="online".';
COMMENT ON COLUMN catalog_events.was_online IS 'Whether it ever did: then it is searchable, with its last online values.';
COMMENT ON COLUMN catalog_events.starts_at IS 'The start as an instant, by the provider''s timezone.';
COMMENT ON COLUMN catalog_events.ends_at IS 'The end as an instant; NULL when the feed gives none.';
COMMENT ON COLUMN catalog_events.sell_from IS 'When the sale opens; NULL when unknown.';
COMMENT ON COLUMN catalog_events.sell_to IS 'When the sale closes; NULL when unknown.';
COMMENT ON COLUMN catalog_events.sold_out IS 'Whether the feed says sold_out="true".';
COMMENT ON COLUMN catalog_events.is_available IS 'Not sold out, and some zone has capacity.';
COMMENT ON COLUMN catalog_events.min_price IS 'The lowest zone price; NULL without any.';
COMMENT ON COLUMN catalog_events.max_price IS 'The highest zone price; NULL without any.';
COMMENT ON COLUMN catalog_events.item IS 'The finished JSON of a search''s item behind its id: "title":...,"max_price":...}.';
COMMENT ON COLUMN catalog_events.zones IS 'The finished JSON array of its zones.';
COMMENT ON COLUMN catalog_events.digest IS 'Half a SHA-256 of all the feed says of it: equal means nothing to write.';
COMMENT ON COLUMN catalog_events.edition IS 'The catalog''s edition that last changed this row.';
COMMENT ON COLUMN catalog_events.first_seen_at IS 'When it was first stored.';
COMMENT ON COLUMN catalog_events.last_seen_at IS 'When a sync last saw it; NULL while it is in the feed, which its provider was last seen with.';

CREATE TABLE catalog_syncs (
	id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	provider_id   bigint NOT NULL REFERENCES catalog_providers (id),
	status        text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'partial', 'failed')),
	reason        text NOT NULL CHECK (reason IN ('schedule', 'request')),
	request_id    text,
	traceparent   text,
	queued_at     timestamptz NOT NULL DEFAULT now(),
	started_at    timestamptz,
	finished_at   timestamptz,
	attempts      bigint NOT NULL DEFAULT 0,
	http_status   bigint,
	not_modified  boolean NOT NULL DEFAULT false,
	wire_bytes    bigint NOT NULL DEFAULT 0,
	body_bytes    bigint NOT NULL DEFAULT 0,
	events        bigint NOT NULL DEFAULT 0,
	zones         bigint NOT NULL DEFAULT 0,
	created       bigint NOT NULL DEFAULT 0,
	updated       bigint NOT NULL DEFAULT 0,
	unchanged     bigint NOT NULL DEFAULT 0,
	rejected      bigint NOT NULL DEFAULT 0,
	vanished      bigint NOT NULL DEFAULT 0,
	problem_count bigint NOT NULL DEFAULT 0,
	problems      json NOT NULL DEFAULT '[]',
	error         text
);

CREATE INDEX catalog_syncs_provider ON catalog_syncs (provider_id, queued_at DESC, id DESC);
CREATE UNIQUE INDEX catalog_syncs_open ON catalog_syncs (provider_id) WHERE status IN ('queued', 'running');
CREATE INDEX catalog_syncs_finished ON catalog_syncs (finished_at);

COMMENT ON TABLE catalog_syncs IS 'The record of every sync run; old ones are purged.';
COMMENT ON COLUMN catalog_syncs.id IS 'The run.';
COMMENT ON COLUMN catalog_syncs.provider_id IS 'Whose feed it syncs.';
COMMENT ON COLUMN catalog_syncs.status IS 'queued, running, succeeded, partial (stored, with problems) or failed (nothing changed).';
COMMENT ON COLUMN catalog_syncs.reason IS 'Asked for by the schedule or by a request.';
COMMENT ON COLUMN catalog_syncs.request_id IS 'X-Request-Id of the request that asked for it, passed on to the provider; NULL: the run''s own id is.';
COMMENT ON COLUMN catalog_syncs.traceparent IS 'traceparent of that request (W3C Trace Context): its trace goes on; NULL: the run begins one.';
COMMENT ON COLUMN catalog_syncs.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN catalog_syncs.started_at IS 'When a daemon took it up.';
COMMENT ON COLUMN catalog_syncs.finished_at IS 'When it was over.';
COMMENT ON COLUMN catalog_syncs.attempts IS 'Requests made to the provider.';
COMMENT ON COLUMN catalog_syncs.http_status IS 'Status of the last answer; NULL when there was none.';
COMMENT ON COLUMN catalog_syncs.not_modified IS 'The feed was known: 304, or the same bytes.';
COMMENT ON COLUMN catalog_syncs.wire_bytes IS 'Body bytes as they came, perhaps compressed.';
COMMENT ON COLUMN catalog_syncs.body_bytes IS 'Body bytes after decompression.';
COMMENT ON COLUMN catalog_syncs.events IS 'Events in the feed.';
COMMENT ON COLUMN catalog_syncs.zones IS 'Zones of the events that were not rejected.';
COMMENT ON COLUMN catalog_syncs.created IS 'Events stored for the first time.';
COMMENT ON COLUMN catalog_syncs.updated IS 'Events whose row changed.';
COMMENT ON COLUMN catalog_syncs.unchanged IS 'Events that stood as the feed gives them: not written.';
COMMENT ON COLUMN catalog_syncs.rejected IS 'Events that could not be stored.';
COMMENT ON COLUMN catalog_syncs.vanished IS 'Events that were in the feed before and are no longer.';
COMMENT ON COLUMN catalog_syncs.problem_count IS 'Faults found in the feed.';
COMMENT ON COLUMN catalog_syncs.problems IS 'The first 100 faults: base_id, event_id, field, message, value.';
COMMENT ON COLUMN catalog_syncs.error IS 'Why it failed, for people.';

-- PostgreSQL also takes POSIX rules, "Anything5" among them: a digit may stand in the names of few zones.
CREATE FUNCTION catalog_is_timezone(name text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM now() AT TIME ZONE name;
	RETURN name ~ '^[A-Za-z][A-Za-z_/-]*$' OR name ~ '^(Etc/)?GMT[+-]?[0-9]{1,2}$'
	       OR name IN ('EST5EDT', 'CST6CDT', 'MST7MDT', 'PST8PDT');
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN false;
END
$$;

COMMENT ON FUNCTION catalog_is_timezone(text) IS 'Whether it is the name of a zone that PostgreSQL knows.';

CREATE FUNCTION catalog_instant(written text, timezone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN written ~ '(Z|[+-][0-9]{2}:[0-9]{2})$' THEN written::timestamptz
		    ELSE written::timestamp AT TIME ZONE timezone END
$$;

COMMENT ON FUNCTION catalog_instant(text, text) IS 'The instant of a written date-time: by its offset, else by the zone.';
