-- $1 kind, $2 timestamp, $3 user, $4 task, $5 content, $6 key or NULL, $7 webhook-id or NULL, $8 headers, $9 body -> outcome: accepted|duplicate|not_found|refused
-- With "repeated " in front when it had come before.
SELECT tasks_receive($1::smallint, $2::timestamptz, $3::text, $4::text, $5::text, $6::uuid, $7::text, $8::text, $9::bytea)
       AS outcome
