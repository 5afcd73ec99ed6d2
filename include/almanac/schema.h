/* Pieces of the JSON Schema texts in endpoints' records: all are string literals. */
#ifndef ALMANAC_SCHEMA_H
#define ALMANAC_SCHEMA_H

#define SCHEMA_TEXT "{\"type\":\"string\"}"
#define SCHEMA_MAYBE_TEXT "{\"type\":[\"string\",\"null\"]}"
#define SCHEMA_NUMBER "{\"type\":\"number\"}"
#define SCHEMA_MAYBE_NUMBER "{\"type\":[\"number\",\"null\"]}"
#define SCHEMA_INTEGER "{\"type\":\"integer\"}"
#define SCHEMA_MAYBE_INTEGER "{\"type\":[\"integer\",\"null\"]}"
#define SCHEMA_FLAG "{\"type\":\"boolean\"}"
#define SCHEMA_UUID "{\"type\":\"string\",\"format\":\"uuid\"}"
#define SCHEMA_DATE "{\"type\":\"string\",\"format\":\"date\"}"
#define SCHEMA_MAYBE_DATE "{\"type\":[\"string\",\"null\"],\"format\":\"date\"}"
#define SCHEMA_MOMENT "{\"type\":\"string\",\"format\":\"date-time\"}"
#define SCHEMA_MAYBE_MOMENT "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"

/* Any object; its members are not described. */
#define SCHEMA_ANY_OBJECT "{\"type\":\"object\",\"additionalProperties\":true}"
#define SCHEMA_MAYBE_ANY_OBJECT "{\"type\":[\"object\",\"null\"],\"additionalProperties\":true}"

/* Of objects: of a SCHEMA_TITLED in a macro of its own. Linters do not expand a MEMBER within a list within a
 * MEMBER. */
#define SCHEMA_LIST(item) "{\"type\":\"array\",\"items\":" item "}"

/* A member of an object. */
#define MEMBER(name, schema) "\"" name "\":" schema

/* An object with a title is told once in the documents, under that name. `required` is a list of quoted
 * names, `members` one of MEMBERs. */
#define SCHEMA_TITLED(title, required, members)                                                    \
	"{\"title\":\"" title "\",\"type\":\"object\",\"required\":[" required                     \
	"],\"properties\":{" members "}}"

/* Errors of the older paths: {"detail": a sentence}. */
#define SCHEMA_DETAIL SCHEMA_TITLED("Detail", "\"detail\"", MEMBER("detail", SCHEMA_TEXT))

#endif
