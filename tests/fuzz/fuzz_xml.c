/* fuzz_xml.c - however a document is cut, and wherever it stands in a feed, it tells the same */
#include <assert.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/xml.h"

#define STORY_MAX_BYTES (16 * 1024 * 1024)
#define PADDING_BYTES 32768 /* as long as a block of the reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scribe {
	struct xml_listener listener;
	struct str story;
	size_t depth;
	bool is_good;
	char complaint[512];
};

static bool opened(struct xml_listener *listener, struct span element,
		   const struct xml_attribute *attributes, size_t count)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	assert(++scribe->depth <= 64 && count <= 256);
	assert(element.length > 0 && span_is_text(element));
	str_append_char(&scribe->story, '\1');
	str_append(&scribe->story, element);
	for (size_t i = 0; i < count; i++) {
		assert(span_is_text(attributes[i].name) && span_is_text(attributes[i].value));
		str_append_char(&scribe->story, '\2');
		str_append(&scribe->story, attributes[i].name);
		str_append_char(&scribe->story, '=');
		str_append(&scribe->story, attributes[i].value);
	}
	str_append_char(&scribe->story, '\3');
	return true;
}

static bool texted(struct xml_listener *listener, struct span text)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	assert(scribe->depth > 0 && text.length > 0);
	str_append(&scribe->story, text);
	return true;
}

static bool closed(struct xml_listener *listener, struct span element)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	assert(scribe->depth-- > 0 && span_is_text(element));
	str_append_char(&scribe->story, '\4');
	return true;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static uint32_t seed_of(struct span text)
{
	uint32_t seed = 2166136261u;

	for (size_t i = 0; i < text.length; i++)
		seed = (seed ^ (unsigned char)text.bytes[i]) * 16777619u;
	return seed;
}

/* Pieces of random length up to `longest`. */
static void read_pieces(struct scribe *scribe, struct span document, size_t longest, uint32_t seed)
{
	struct xml_reader *reader;

	*scribe = (struct scribe){.listener = {opened, texted, closed}, .is_good = true};
	str_init(&scribe->story, STORY_MAX_BYTES);
	reader = xml_reader_create(&scribe->listener);
	while (document.length > 0 && scribe->is_good) {
		size_t length = 1 + next_random(&seed) % longest;

		if (length > document.length || longest >= document.length)
			length = document.length;
		scribe->is_good = xml_reader_feed(reader, (struct span){document.bytes, length});
		document.bytes += length;
		document.length -= length;
	}
	if (scribe->is_good)
		scribe->is_good = xml_reader_end(reader);
	assert(!scribe->is_good || scribe->depth == 0);
	assert(scribe->is_good == (xml_complaint(reader)[0] == '\0'));
	assert(span_is_text(span_of(xml_complaint(reader))));
	strncpy(scribe->complaint, xml_complaint(reader), sizeof(scribe->complaint) - 1);
	xml_reader_destroy(reader);
}

static void check_pieces(const struct scribe *whole, struct span document, uint32_t seed)
{
	static const size_t lengths[] = {1, 16};
	struct scribe pieces;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		read_pieces(&pieces, document, lengths[i], seed);
		assert(pieces.is_good == whole->is_good);
		assert(span_equals(str_span(&pieces.story), str_span(&whole->story)));
		assert(strcmp(pieces.complaint, whole->complaint) == 0);
		str_finish(&pieces.story);
	}
}

/* Only a document in plain UTF-8 without declaration may have a comment in front of it. */
static bool takes_padding(struct span document)
{
	return document.length >= 4 && document.bytes[0] == '<' && document.bytes[1] > 0 &&
	       document.bytes[1] != '?';
}

/* A comment in front puts the border between two blocks anywhere within the document. */
static void check_padded(const struct scribe *whole, struct span document, uint32_t seed)
{
	struct str padded;
	struct scribe scribe;
	size_t comment = PADDING_BYTES - seed % (document.length + 1);

	if (!takes_padding(document) || document.length > PADDING_BYTES / 2)
		return;
	str_init(&padded, 4 * PADDING_BYTES);
	str_append_text(&padded, "<!--");
	while (padded.length < comment - 3)
		str_append_char(&padded, ' ');
	str_append_text(&padded, "-->");
	str_append(&padded, document);
	read_pieces(&scribe, str_span(&padded), padded.length, seed);
	assert(scribe.is_good == whole->is_good);
	if (whole->is_good)
		assert(span_equals(str_span(&scribe.story), str_span(&whole->story)));
	str_finish(&scribe.story);
	str_finish(&padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span document = {(const char *)data, size};
	uint32_t seed = seed_of(document);
	struct scribe whole;

	read_pieces(&whole, document, size + 1, seed);
	check_pieces(&whole, document, seed);
	check_padded(&whole, document, seed);
	str_finish(&whole.story);
	return 0;
}
