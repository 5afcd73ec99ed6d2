-- $1 id, $2 shard for one that is over -> outcome: fired|running|not_found
-- Also the timer.
SELECT f.outcome, (f.shown).* FROM timers_fire($1::uuid, $2::smallint) AS f
