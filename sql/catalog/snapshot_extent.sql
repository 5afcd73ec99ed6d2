-- (nothing) -> rows: blocks, file
-- How many blocks the events lie in, and in which file: another one when they were moved as a whole.
SELECT pg_relation_size('catalog_events') / current_setting('block_size')::bigint AS blocks,
       pg_relation_filenode('catalog_events') AS file
