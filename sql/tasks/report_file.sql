-- $1 name -> rows: name
SELECT name FROM report_files WHERE name = $1::text
