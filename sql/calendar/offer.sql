-- $1 user ids (text[]), $2 period in seconds -> outcome: offered|known
-- A fresh database gets these users, once, spread over the period. Due times that lie farther than a
-- period, since it was a longer one, are drawn near.
WITH fresh AS (
	UPDATE calendar_state SET users_offered = true
	WHERE NOT users_offered
	RETURNING only_row
),
made AS (
	INSERT INTO calendars (user_id, due_at)
	SELECT u.id, now() + $2::bigint * interval '1 second' * u.place / cardinality($1::text[])
	FROM fresh, unnest($1::text[]) WITH ORDINALITY AS u (id, place)
	ON CONFLICT (user_id) DO NOTHING
	RETURNING id
),
nearer AS (
	UPDATE calendars SET due_at = now() + random() * $2::bigint * interval '1 second'
	WHERE failures = 0 AND due_at > now() + $2::bigint * interval '1 second'
	RETURNING id
)
SELECT CASE WHEN EXISTS (SELECT FROM made) THEN 'offered' ELSE 'known' END AS outcome,
       (SELECT count(*) FROM nearer) AS _nearer
