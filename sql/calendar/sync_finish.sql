-- $1 calendar id, $2 lease, $3 what the run tells (json), then text[] each: $4 ids, $5 digests, $6 series, $7 starts, $8 ends (unix microseconds), $9 items, $10 ids that are gone; $11 period in seconds -> outcome: finished|stale
SELECT CASE calendar_finish($1::bigint, $2::uuid, $3::json, $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
		       $9::text[], $10::text[], $11::bigint) WHEN 'finished' THEN 'finished' ELSE 'stale' END AS outcome
