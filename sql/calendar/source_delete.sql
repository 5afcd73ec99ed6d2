-- $1 user id, $2 period in seconds -> outcome: deleted
-- Back to the generator; a user who is not known has it already.
SELECT 'deleted' AS outcome,
       (SELECT count(*) FROM calendars AS k, calendar_source(k.user_id, 'generator', NULL, 'UTC', $2::bigint)
	WHERE k.user_id = $1::text) AS _changed
