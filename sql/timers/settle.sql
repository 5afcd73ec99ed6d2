-- $1 run, $2 shards held, $3 their epochs, then for each result (text[]): $4 ids, $5 ends (finished, failed, retry), $6 number of the attempt, $7 attempts as JSON, $8 microseconds until the next -> outcome: settled
-- Also id, next_us of those that will be tried again.
SELECT 'settled' AS outcome, s.id, s.next_us
FROM timers_settle($1::uuid, $2::text[]::smallint[], $3::text[]::bigint[], $4::text[]::uuid[], $5::text[],
		   $6::text[]::smallint[], $7::text[]::json[], $8::text[]::bigint[]) AS s
