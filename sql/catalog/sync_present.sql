-- $1 provider id, $2 id of the last row, $3 limit -> rows: id, base_id, event_id, present (how many in all)
-- The events of the provider that were in its feed until now. Comparing (provider, id) keeps the
-- planner, which does not know how few a provider has, from walking the events of all providers.
SELECT e.id, e.base_id, e.event_id,
       CASE WHEN $2::bigint = 0 THEN (
		SELECT count(*) FROM catalog_events
		WHERE provider_id = $1::bigint AND last_seen_at IS NULL
       ) END AS present
FROM catalog_events AS e
WHERE e.provider_id = $1::bigint AND e.last_seen_at IS NULL
  AND (e.provider_id, e.id) > ($1::bigint, $2::bigint)
ORDER BY e.provider_id, e.id
LIMIT $3::bigint
