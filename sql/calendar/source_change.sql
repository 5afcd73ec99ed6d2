-- $1 user id, $2 kind, $3 url or NULL, $4 timezone, $5 period in seconds -> outcome: changed
SELECT 'changed' AS outcome, c.user_id AS "userId", c.kind, c.url, c.timezone, c.events, c.failures,
       c.last_status AS "lastStatus", c.synced_at AS "syncedAt",
       least(c.due_at, c.asked_at) AS "nextSyncAt", c.updated_at AS "updatedAt"
FROM calendar_source($1::text, $2::text, $3::text, $4::text, $5::bigint) AS c
