/* How events of the catalog look in the documents: JSON Schema texts, for all paths that tell them. */
#ifndef ALMANAC_CATALOG_SCHEMAS_H
#define ALMANAC_CATALOG_SCHEMAS_H

#include "almanac/schema.h"

/* clang-format off */
#define SEARCH_ITEM_MEMBERS                                                                        \
	MEMBER("title", SCHEMA_TEXT) "," MEMBER("start_date", SCHEMA_DATE) ","                     \
	MEMBER("start_time", SCHEMA_MAYBE_TEXT) "," MEMBER("end_date", SCHEMA_MAYBE_DATE) ","      \
	MEMBER("end_time", SCHEMA_MAYBE_TEXT) "," MEMBER("min_price", SCHEMA_MAYBE_NUMBER) ","     \
	MEMBER("max_price", SCHEMA_MAYBE_NUMBER)

#define SEARCH_ITEM_REQUIRED                                                                       \
	"\"id\",\"title\",\"start_date\",\"start_time\",\"end_date\",\"end_time\",\"min_price\","    \
	"\"max_price\""

#define SEARCH_ITEM_SCHEMA                                                                         \
	SCHEMA_TITLED("Event", SEARCH_ITEM_REQUIRED,                                               \
		      MEMBER("id", SCHEMA_UUID) "," SEARCH_ITEM_MEMBERS)

#define NUMBERED_ITEM_SCHEMA                                                                       \
	SCHEMA_TITLED("NumberedEvent", SEARCH_ITEM_REQUIRED,                                       \
		      MEMBER("id", SCHEMA_INTEGER) "," SEARCH_ITEM_MEMBERS)

/* The code is text with envelope=events. */
#define SEARCH_ERROR_SCHEMA                                                                        \
	SCHEMA_TITLED("SearchError", "\"data\",\"error\"",                                         \
		MEMBER("data", "{\"type\":\"null\"}") ","                                          \
		MEMBER("error", "{\"type\":\"object\",\"required\":[\"code\",\"message\"],"          \
			"\"properties\":{" MEMBER("code", "{\"type\":[\"integer\",\"string\"]}") ","   \
			MEMBER("message", SCHEMA_TEXT) "}}"))

#define DETAIL_ITEM_SCHEMA                                                                         \
	SCHEMA_TITLED("DetailItem", "\"loc\",\"msg\",\"type\"",                                    \
		MEMBER("loc", SCHEMA_LIST(SCHEMA_TEXT)) "," MEMBER("msg", SCHEMA_TEXT) ","         \
		MEMBER("type", SCHEMA_TEXT))

#define DETAILS_SCHEMA                                                                             \
	SCHEMA_TITLED("Details", "\"detail\"",                                                     \
		MEMBER("detail", "{\"anyOf\":[" SCHEMA_TEXT "," SCHEMA_LIST(DETAIL_ITEM_SCHEMA)      \
			"]}"))

#define ZONE_SCHEMA                                                                                \
	SCHEMA_TITLED("Zone", "\"zone_id\"",                                                       \
		MEMBER("zone_id", SCHEMA_TEXT) "," MEMBER("name", SCHEMA_TEXT) ","                 \
		MEMBER("capacity", SCHEMA_MAYBE_INTEGER) "," MEMBER("price", SCHEMA_MAYBE_NUMBER) ","    \
		MEMBER("numbered", "{\"type\":[\"boolean\",\"null\"]}"))

#define EVENT_SCHEMA                                                                               \
	SCHEMA_TITLED("WholeEvent", SEARCH_ITEM_REQUIRED ",\"provider\",\"zones\"",                \
		MEMBER("id", SCHEMA_UUID) "," SEARCH_ITEM_MEMBERS ","                              \
		MEMBER("provider", "{\"type\":\"object\",\"required\":[\"id\",\"name\"],"            \
			"\"properties\":{" MEMBER("id", SCHEMA_INTEGER) ","                        \
			MEMBER("name", SCHEMA_TEXT) "}}") ","                                      \
		MEMBER("starts_at", SCHEMA_MOMENT) "," MEMBER("ends_at", SCHEMA_MAYBE_MOMENT) ","  \
		MEMBER("sell_from", SCHEMA_MAYBE_MOMENT) ","                                       \
		MEMBER("sell_to", SCHEMA_MAYBE_MOMENT) "," MEMBER("sold_out", SCHEMA_FLAG) ","     \
		MEMBER("available", SCHEMA_FLAG) "," MEMBER("online", SCHEMA_FLAG) ","             \
		MEMBER("base_id", SCHEMA_TEXT) "," MEMBER("event_id", SCHEMA_TEXT) ","             \
		MEMBER("first_seen_at", SCHEMA_MOMENT) ","                                         \
		MEMBER("last_seen_at", SCHEMA_MAYBE_MOMENT) ","                                    \
		MEMBER("zones", SCHEMA_LIST(ZONE_SCHEMA)))
/* clang-format on */

#endif
