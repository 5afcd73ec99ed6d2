-- (nothing) -> rows: edition, removed_edition, changed_us, epoch
-- A copy in another database, restored from a dump, counts its editions on from there: its epoch is another.
SELECT edition, removed_edition, (date_part('epoch', changed_at) * 1000000)::bigint AS changed_us,
       md5(epoch::text || (SELECT system_identifier FROM pg_control_system())
	   || (SELECT oid FROM pg_database WHERE datname = current_database()))::uuid AS epoch
FROM catalog_state
