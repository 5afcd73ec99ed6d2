-- $1 id -> rows: the timer
SELECT * FROM timers_find($1::uuid)
