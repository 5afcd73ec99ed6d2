-- $1 kinds, $2 timestamps, $3 users, $4 tasks, $5 contents, $6 keys or NULL, $7 webhook-ids or NULL, $8 headers, $9 bodies -> outcome: accepted|duplicate|not_found|refused
-- As receive.sql, one after the other.
SELECT CASE replace(r.said, 'repeated ', '')
	    WHEN 'accepted' THEN 'accepted'
	    WHEN 'duplicate' THEN 'duplicate'
	    WHEN 'not_found' THEN 'not_found'
	    ELSE 'refused' END AS outcome,
       starts_with(r.said, 'repeated ') AS is_repeat,
       r.place AS _place
FROM (SELECT tasks_receive(t.kind::smallint, t.at::timestamptz, t.user_id, t.task, t.content, t.key::uuid, t.webhook_id,
			   t.headers, t.body) AS said, t.place
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
		  $9::bytea[]) WITH ORDINALITY
	   AS t (kind, at, user_id, task, content, key, webhook_id, headers, body, place)
      OFFSET 0) AS r
