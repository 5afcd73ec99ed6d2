-- (nothing) -> rows: edition, behind_us
-- How far a standby has come: the catalog's edition, and how long ago a daemon was heard of there.
SELECT edition,
       (SELECT (date_part('epoch', clock_timestamp() - max(heartbeat_at)) * 1000000)::bigint FROM daemons) AS behind_us
FROM catalog_state
