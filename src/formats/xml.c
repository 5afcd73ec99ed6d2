/* xml.c - feeds in pieces, elements out; the catalog calls me, I call libxml2's push parser */
#include "almanac/xml.h"

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define ATTRIBUTES_MAX 256
#define PIECE_MAX_BYTES 1048576 /* of a name, a value, a piece of text */
#define COMPLAINT_MAX_BYTES 256
#define BLOCK_BYTES 32768
#define PROBE_BYTES 4 /* what libxml2 wants to see before it decides on an encoding */

/*
 * libxml2 gets the bytes in blocks of our own making, cut behind a '>' where there is one: so what
 * it says does not depend on how the network cut them, and pieces of one byte cost no more.
 */
struct xml_reader {
	struct xml_listener *listener;
	xmlParserCtxtPtr parser; /* NULL until the first block */
	size_t depth;
	bool has_root;
	bool has_failed;
	char complaint[COMPLAINT_MAX_BYTES];
	struct xml_attribute attributes[ATTRIBUTES_MAX];
	size_t length;
	char block[BLOCK_BYTES];
};

/*
 * Bad bytes met while an encoding is converted are reported to no parser: libxml2 prints them to
 * standard error and goes on. So each call into it puts our handlers in the thread's places for
 * such reports, and afterwards what was there before.
 */
struct handlers {
	xmlGenericErrorFunc generic;
	void *generic_context;
	xmlStructuredErrorFunc structured;
	void *structured_context;
};

/* --- complaints ----------------------------------------------------------------------------- */

/* The first complaint stands; later ones follow from it. */
static void fail(struct xml_reader *reader, int line, const char *why)
{
	size_t length = strcspn(why, "\n");
	int written;

	if (reader->has_failed)
		return;
	reader->has_failed = true;
	written = snprintf(reader->complaint, sizeof(reader->complaint), "line %d: %.*s",
			   line > 0 ? line : 1, (int)length, why);
	assert(written > 0);
	/* What did not fit may have been cut within a character. */
	for (length = strlen(reader->complaint); length > 0; length--) {
		if (span_is_text((struct span){reader->complaint, length}))
			break;
	}
	reader->complaint[length] = '\0';
}

/* Fails where the parser stands, and makes it stop. */
static void stop(struct xml_reader *reader, const char *why)
{
	fail(reader, reader->parser->input ? reader->parser->input->line : 1, why);
	xmlStopParser(reader->parser);
}

static void note_conversion_error(void *context, xmlErrorPtr error)
{
	struct xml_reader *reader = context;
	bool has_input = reader->parser && reader->parser->input;

	if (error->level >= XML_ERR_ERROR)
		fail(reader, has_input ? reader->parser->input->line : 1,
		     error->message ? error->message : "bytes that do not fit the encoding");
}

static void ignore_text(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static struct handlers handlers_take(struct xml_reader *reader)
{
	struct handlers before = {xmlGenericError, xmlGenericErrorContext, xmlStructuredError,
				  xmlStructuredErrorContext};

	xmlSetGenericErrorFunc(NULL, ignore_text);
	xmlSetStructuredErrorFunc(reader, note_conversion_error);
	return before;
}

static void handlers_give_back(const struct handlers *before)
{
	xmlSetGenericErrorFunc(before->generic_context, before->generic);
	xmlSetStructuredErrorFunc(before->structured_context, before->structured);
}

/* --- what libxml2 tells --------------------------------------------------------------------- */

static struct span span_of_name(const xmlChar *name)
{
	return span_of((const char *)name);
}

/* Five pointers an attribute: name, prefix, namespace, first byte of the value, byte behind it. */
static bool take_attributes(struct xml_reader *reader, const xmlChar **pointers, size_t count)
{
	for (size_t i = 0; i < count; i++, pointers += 5) {
		struct xml_attribute *attribute = &reader->attributes[i];

		attribute->name = span_of_name(pointers[0]);
		attribute->value.bytes = (const char *)pointers[3];
		attribute->value.length = (size_t)(pointers[4] - pointers[3]);
		if (attribute->name.length > PIECE_MAX_BYTES ||
		    attribute->value.length > PIECE_MAX_BYTES)
			return false;
	}
	return true;
}

static void start_element(void *context, const xmlChar *name, const xmlChar *prefix,
			  const xmlChar *uri, int namespace_count, const xmlChar **namespaces,
			  int attribute_count, int default_count, const xmlChar **attributes)
{
	struct xml_reader *reader = context;
	struct span element = span_of_name(name);

	(void)prefix;
	(void)uri;
	(void)namespace_count;
	(void)namespaces;
	(void)default_count;
	if (reader->has_failed)
		return;
	reader->has_root = true;
	if (++reader->depth > DEPTH_MAX)
		stop(reader, "elements are nested deeper than 64");
	else if (attribute_count > ATTRIBUTES_MAX)
		stop(reader, "an element has more than 256 attributes");
	else if (!take_attributes(reader, attributes, (size_t)attribute_count) ||
		 element.length > PIECE_MAX_BYTES)
		stop(reader, "a name or value is longer than 1 MiB");
	else if (!reader->listener->opened(reader->listener, element, reader->attributes,
					   (size_t)attribute_count))
		stop(reader, "stopped by the listener");
}

static void end_element(void *context, const xmlChar *name, const xmlChar *prefix,
			const xmlChar *uri)
{
	struct xml_reader *reader = context;

	(void)prefix;
	(void)uri;
	if (reader->has_failed)
		return;
	reader->depth--;
	if (!reader->listener->closed(reader->listener, span_of_name(name)))
		stop(reader, "stopped by the listener");
}

static void characters(void *context, const xmlChar *text, int length)
{
	struct xml_reader *reader = context;
	struct span rest = {(const char *)text, (size_t)length};

	while (rest.length > 0 && !reader->has_failed) {
		struct span piece = rest;

		if (piece.length > PIECE_MAX_BYTES)
			piece.length = PIECE_MAX_BYTES;
		if (!reader->listener->text(reader->listener, piece))
			stop(reader, "stopped by the listener");
		rest.bytes += piece.length;
		rest.length -= piece.length;
	}
}

static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *external_id,
		       const xmlChar *system_id)
{
	(void)name;
	(void)external_id;
	(void)system_id;
	stop(context, "a DTD is not allowed");
}

/* libxml2 speaks of extra content whenever a document does not end behind its root element. */
static const char *reason_of(const struct xml_reader *reader, const xmlError *error)
{
	if (error->code == XML_ERR_DOCUMENT_END && !reader->has_root)
		return "there is no root element";
	if (error->code == XML_ERR_DOCUMENT_END && reader->depth > 0)
		return "the document is cut";
	if (!error->message)
		return "not well-formed";
	if (strstr(error->message, "Huge input lookup"))
		return "a tag, comment or CDATA section is longer than 10 MB";
	return error->message;
}

/* Warnings and undeclared prefixes are no reason to refuse a feed. */
static void note_error(void *context, xmlErrorPtr error)
{
	struct xml_reader *reader = context;

	if (error->level == XML_ERR_FATAL)
		fail(reader, error->line, reason_of(reader, error));
}

/* --- blocks --------------------------------------------------------------------------------- */

/* XML_PARSE_NOENT makes "&amp;" in a value come as "&"; without a DTD nothing else is replaced. */
static void open_parser(struct xml_reader *reader, size_t probe)
{
	static const xmlSAXHandler template = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = refuse_dtd,
		.characters = characters,
		.ignorableWhitespace = characters,
		.cdataBlock = characters,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.serror = note_error,
	};
	xmlSAXHandler handler = template;

	reader->parser = xmlCreatePushParserCtxt(&handler, reader, reader->block, (int)probe, NULL);
	assert(reader->parser);
	xmlCtxtUseOptions(reader->parser, XML_PARSE_NONET | XML_PARSE_NOENT);
}

/* Gives the first `length` bytes of the block to libxml2 and keeps the others. */
static void parse_block(struct xml_reader *reader, size_t length, bool is_last)
{
	struct handlers before = handlers_take(reader);
	size_t done = 0;
	int code;

	if (!reader->parser) {
		done = length < PROBE_BYTES ? length : PROBE_BYTES;
		open_parser(reader, done);
	}
	code = xmlParseChunk(reader->parser, reader->block + done, (int)(length - done), is_last);
	if (code != 0 || !reader->parser->wellFormed || reader->parser->disableSAX)
		fail(reader, reader->parser->input ? reader->parser->input->line : 1,
		     "not well-formed");
	handlers_give_back(&before);
	memmove(reader->block, reader->block + length, reader->length - length);
	reader->length -= length;
}

/* Half a character at the end of the input stays unconverted, and libxml2 does not miss it. */
static bool has_unread_bytes(const struct xml_reader *reader)
{
	xmlParserInputPtr input = reader->parser->input;

	return input && input->buf && input->buf->raw && xmlBufUse(input->buf->raw) > 0;
}

/* Behind the last '>' of a full block, so that markup is seldom cut; else the whole block. */
static size_t cut_of_block(const struct xml_reader *reader)
{
	const char *last = memrchr(reader->block, '>', reader->length);

	return last && last - reader->block >= PROBE_BYTES ? (size_t)(last - reader->block) + 1
							   : reader->length;
}

/* --- the door ------------------------------------------------------------------------------- */

struct xml_reader *xml_reader_create(struct xml_listener *listener)
{
	struct xml_reader *reader = malloc(sizeof(*reader));

	assert(reader && listener);
	reader->listener = listener;
	reader->parser = NULL;
	reader->depth = 0;
	reader->has_root = false;
	reader->has_failed = false;
	reader->complaint[0] = '\0';
	reader->length = 0;
	return reader;
}

void xml_reader_destroy(struct xml_reader *reader)
{
	if (!reader)
		return;
	xmlFreeParserCtxt(reader->parser);
	free(reader);
}

bool xml_reader_feed(struct xml_reader *reader, struct span bytes)
{
	while (bytes.length > 0 && !reader->has_failed) {
		size_t room = BLOCK_BYTES - reader->length;
		size_t taken = bytes.length < room ? bytes.length : room;

		memcpy(reader->block + reader->length, bytes.bytes, taken);
		reader->length += taken;
		bytes.bytes += taken;
		bytes.length -= taken;
		if (reader->length == BLOCK_BYTES)
			parse_block(reader, cut_of_block(reader), false);
	}
	return !reader->has_failed;
}

bool xml_reader_end(struct xml_reader *reader)
{
	if (reader->has_failed)
		return false;
	if (!reader->parser && reader->length == 0) {
		fail(reader, 1, "the document is empty");
		return false;
	}
	parse_block(reader, reader->length, true);
	if (has_unread_bytes(reader))
		fail(reader, reader->parser->input->line, "the last character is cut");
	return !reader->has_failed;
}

const char *xml_complaint(const struct xml_reader *reader)
{
	return reader->complaint;
}
