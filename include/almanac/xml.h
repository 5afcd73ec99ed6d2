/*
 * A push reader of XML (libxml2's SAX2 interface): bytes in pieces, elements out, constant memory.
 * Entities other than the five predefined ones, external subsets and the network are off; a DTD is
 * refused. Namespace prefixes are dropped, element and attribute names are local names.
 */
#ifndef ALMANAC_XML_H
#define ALMANAC_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "almanac/str.h"

struct xml_attribute {
	struct span name;
	struct span value; /* UTF-8, references resolved; borrowed for the call */
};

/* What the reader tells. Embed it in the owner. A callback that returns false stops the reading. */
struct xml_listener {
	bool (*opened)(struct xml_listener *listener, struct span element,
		       const struct xml_attribute *attributes, size_t count);
	bool (*text)(struct xml_listener *listener, struct span text); /* may come in pieces */
	bool (*closed)(struct xml_listener *listener, struct span element);
};

struct xml_reader;

/* Limits: depth 64, 256 attributes an element, 1 MiB a name, value or text piece. */
struct xml_reader *xml_reader_create(struct xml_listener *listener);
void xml_reader_destroy(struct xml_reader *reader);

/* False: not well-formed, a limit was passed, or the listener stopped; xml_complaint() says why. */
bool xml_reader_feed(struct xml_reader *reader, struct span bytes)
	__attribute__((warn_unused_result));

/* To be called once at the end of input: false when the document was cut. */
bool xml_reader_end(struct xml_reader *reader) __attribute__((warn_unused_result));

/* "line 12: tag mismatch …"; "" when all is well. */
const char *xml_complaint(const struct xml_reader *reader);

#endif
