-- $1 user id -> rows: one, the source; the generator for a user who is not known
SELECT $1::text AS "userId", coalesce(c.kind, 'generator') AS kind, c.url,
       coalesce(c.timezone, 'UTC') AS timezone, coalesce(c.events, 0) AS events,
       coalesce(c.failures, 0) AS failures, c.last_status AS "lastStatus", c.synced_at AS "syncedAt",
       least(c.due_at, c.asked_at) AS "nextSyncAt", c.updated_at AS "updatedAt"
FROM (VALUES (1)) AS always (one) LEFT JOIN calendars AS c ON c.user_id = $1::text
