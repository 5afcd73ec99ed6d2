-- (nothing) -> rows: one row when the database answers
SELECT (SELECT max(version) FROM almanac_migrations) AS schema,
       pg_is_in_recovery() AS "isReplica"
