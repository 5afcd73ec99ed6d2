/* ics_zones.c - what a TZID means, found once for a feed; ics_event.c calls me, I call zone_file.c,
 * zone_windows.c and ics_zone.c */
#include <string.h>

#include "ics_parts.h"

static const struct zone *find_windows(struct ics_zones *zones, struct span id)
{
	const char *name = zone_name_of_windows(id);

	return name ? zone_load(zones->arena, span_of(name)) : NULL;
}

static const struct zone *find_definition(struct ics_zones *zones, struct span id)
{
	for (size_t i = 0; i < zones->definition_count; i++) {
		const struct ics_definition *definition = &zones->definitions[i];

		if (span_equals(definition->id, id))
			return ics_zone_define(zones->arena, id, definition->text, &zones->steps);
	}
	return NULL;
}

/* "/mozilla.org/20050126_1/Europe/Berlin": with one part more cut off each time. */
static const struct zone *find_by_last_parts(struct ics_zones *zones, struct span id)
{
	const struct zone *zone = NULL;
	struct span part;

	if (id.length == 0 || id.bytes[0] != '/')
		return NULL;
	while (!zone && span_split(&id, '/', &part) && id.bytes)
		zone = zone_load(zones->arena, id);
	return zone;
}

static const struct zone *find(struct ics_zones *zones, struct span id)
{
	const struct zone *zone = zone_load(zones->arena, id);

	if (!zone)
		zone = find_windows(zones, id);
	if (!zone)
		zone = find_definition(zones, id);
	if (!zone)
		zone = find_by_last_parts(zones, id);
	return zone;
}

const struct zone *ics_zones_find(struct ics_zones *zones, struct span id)
{
	struct ics_known_zone *known;

	for (size_t i = 0; i < zones->known_count; i++)
		if (span_equals(zones->known[i].id, id))
			return zones->known[i].zone;
	if (zones->known_count == ICS_ZONES_MAX)
		return NULL;
	known = &zones->known[zones->known_count++];
	known->id = arena_copy(zones->arena, id);
	known->zone = find(zones, id);
	return known->zone;
}
