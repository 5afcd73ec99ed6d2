-- $1 name, $2 run, $3 lease in seconds, $4 first time, $5 shards given back (text[]) -> outcome: leased
-- Also shard, epoch, fair, reclaimed, look_us, now_us.
SELECT 'leased' AS outcome, l.shard, l.epoch, l.fair, l.reclaimed, l.look_us,
       (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS now_us
FROM timers_lease($1::text, $2::uuid, $3::bigint * interval '1 second', $4::boolean, $5::text[]::smallint[]) AS l
