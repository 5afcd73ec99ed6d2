-- (nothing) -> rows: files, bytes, as PostgreSQL last counted the files and the newest weigh
SELECT f.files, (f.files * coalesce((
	SELECT avg(n.bytes) FROM (SELECT bytes FROM report_files ORDER BY ends_at DESC, name DESC LIMIT 1000) AS n
       ), 0))::bigint AS bytes
FROM (SELECT greatest(reltuples, 0)::bigint AS files FROM pg_class WHERE oid = 'report_files'::regclass) AS f
