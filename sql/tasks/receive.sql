-- $1 kind, $2 timestamp, $3 user, $4 task, $5 content, $6 key or NULL, $7 webhook-id or NULL, $8 headers, $9 body -> outcome: accepted|duplicate|not_found|refused
-- The first answer again, when it had come before: is_repeat.
SELECT CASE replace(r.said, 'repeated ', '')
	    WHEN 'accepted' THEN 'accepted'
	    WHEN 'duplicate' THEN 'duplicate'
	    WHEN 'not_found' THEN 'not_found'
	    ELSE 'refused' END AS outcome,
       starts_with(r.said, 'repeated ') AS is_repeat
FROM (SELECT tasks_receive($1::smallint, $2::timestamptz, $3::text, $4::text, $5::text, $6::uuid, $7::text, $8::text,
			   $9::bytea) AS said) AS r
