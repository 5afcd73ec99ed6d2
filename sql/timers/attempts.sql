-- $1 id -> rows: one, all attempts in a JSON array, the oldest first
SELECT a.data FROM timers_attempts($1::uuid) AS a (data) WHERE a.data IS NOT NULL
