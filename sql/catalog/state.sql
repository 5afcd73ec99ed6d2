-- (nothing) -> rows: edition, removed_edition, changed_us, epoch
SELECT edition, removed_edition, (date_part('epoch', changed_at) * 1000000)::bigint AS changed_us, epoch
FROM catalog_state
