-- (nothing) -> rows: one daemon each, by name and start
SELECT name, id, status, host, address, version, "startedAt", "heartbeatAt", "timerShards", "runningJobs", "sharesName",
       NULL AS _cursor
FROM daemons_shown
ORDER BY name, "startedAt", id
LIMIT 1000
