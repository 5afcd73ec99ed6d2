-- $1 kinds, $2 timestamps, $3 users, $4 tasks, $5 contents, $6 keys or NULL, $7 webhook-ids or NULL, $8 headers, $9 bodies -> outcome: accepted|duplicate|not_found|refused
-- As receive.sql.
SELECT CASE replace(r.said, 'repeated ', '')
	    WHEN 'accepted' THEN 'accepted'
	    WHEN 'duplicate' THEN 'duplicate'
	    WHEN 'not_found' THEN 'not_found'
	    ELSE 'refused' END AS outcome,
       starts_with(r.said, 'repeated ') AS is_repeat,
       r.place AS _place
FROM tasks_receive_many($1::text[]::smallint[], $2::text[]::timestamptz[], $3::text[], $4::text[], $5::text[],
			$6::text[]::uuid[], $7::text[], $8::text[], $9::bytea[]) AS r
