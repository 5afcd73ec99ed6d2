-- $1 days to keep, $2 limit -> rows: name, of files whose period ended before that
SELECT name FROM report_files
WHERE ends_at < now() - $1::bigint * interval '1 day'
ORDER BY ends_at, name
LIMIT $2::bigint
