/* test_xml.c - the push reader: what it tells, what it refuses, its limits and its memory */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/xml.h"
#include "story.h"

#define STORY_MAX_BYTES (4 * 1024 * 1024)

/* Writes down what it is told: (name key=[value] text ). */
struct scribe {
	struct xml_listener listener;
	struct str story;
	size_t longest_text;
	size_t stop_after; /* calls; 0: never */
	size_t calls;
};

static bool goes_on(struct scribe *scribe)
{
	return ++scribe->calls != scribe->stop_after;
}

static bool opened(struct xml_listener *listener, struct span element,
		   const struct xml_attribute *attributes, size_t count)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	str_append_char(&scribe->story, '(');
	str_append(&scribe->story, element);
	for (size_t i = 0; i < count; i++) {
		str_append_char(&scribe->story, ' ');
		str_append(&scribe->story, attributes[i].name);
		str_append_text(&scribe->story, "=[");
		str_append(&scribe->story, attributes[i].value);
		str_append_char(&scribe->story, ']');
	}
	str_append_char(&scribe->story, ':');
	return goes_on(scribe);
}

static bool texted(struct xml_listener *listener, struct span text)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	if (text.length > scribe->longest_text)
		scribe->longest_text = text.length;
	str_append(&scribe->story, text);
	return goes_on(scribe);
}

static bool closed(struct xml_listener *listener, struct span element)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	(void)element;
	str_append_char(&scribe->story, ')');
	return goes_on(scribe);
}

static void scribe_init(struct scribe *scribe)
{
	*scribe = (struct scribe){.listener = {opened, texted, closed}};
	str_init(&scribe->story, STORY_MAX_BYTES);
}

/* Reads a document in pieces; `complaint` may be NULL. */
static bool read_pieces(struct scribe *scribe, struct span document, size_t piece, char *complaint,
			size_t complaint_size)
{
	struct xml_reader *reader = xml_reader_create(&scribe->listener);
	bool is_good = true;

	for (size_t i = 0; i < document.length && is_good; i += piece) {
		size_t rest = document.length - i;

		is_good = xml_reader_feed(reader, (struct span){document.bytes + i,
								rest < piece ? rest : piece});
	}
	if (is_good)
		is_good = xml_reader_end(reader);
	assert_int_equal(is_good, xml_complaint(reader)[0] == '\0');
	if (complaint)
		snprintf(complaint, complaint_size, "%s", xml_complaint(reader));
	xml_reader_destroy(reader);
	return is_good;
}

static void assert_story(struct span document, const char *story)
{
	struct scribe scribe;

	for (size_t piece = 1; piece <= document.length; piece += 3) {
		scribe_init(&scribe);
		assert_true(read_pieces(&scribe, document, piece, NULL, 0));
		assert_string_equal(str_text(&scribe.story), story);
		str_finish(&scribe.story);
	}
}

static void assert_refused(struct span document, const char *why)
{
	struct scribe scribe;
	char complaint[512];

	scribe_init(&scribe);
	assert_false(read_pieces(&scribe, document, 7, complaint, sizeof(complaint)));
	if (strncmp(complaint, why, strlen(why)) != 0)
		fail_msg("\"%s\" instead of \"%s\"", complaint, why);
	str_finish(&scribe.story);
}

static void elements_are_told(void **state)
{
	(void)state;
	assert_story(SPAN("<a/>"), "(a:)");
	assert_story(SPAN("<?xml version=\"1.0\"?>\n<!-- c -->\n<a b='1' "
			  "c=\"2\">x<d>y</d>z</a>\n<!-- c -->\n"),
		     "(a b=[1] c=[2]:x(d:y)z)");
	assert_story(SPAN("\xef\xbb\xbf<a>\xe2\x82\xac</a>"), "(a:\xe2\x82\xac)");
	assert_story(SPAN("<a><?pi x?><![CDATA[<&>]]><!-- > --></a>"), "(a:<&>)");
	assert_story(SPAN("<a b='x > y' c='\"'>]] ></a>"), "(a b=[x > y] c=[\"]:]] >)");
}

static void references_are_resolved(void **state)
{
	(void)state;
	assert_story(SPAN("<a b=\"&amp;&lt;&gt;&quot;&apos;&#233;&#x20AC;\">&amp;&lt;&#233;</a>"),
		     "(a b=[&<>\"'\xc3\xa9\xe2\x82\xac]:&<\xc3\xa9)");
	assert_refused(SPAN("<a>&nbsp;</a>"), "line 1: Entity 'nbsp' not defined");
	assert_refused(SPAN("<a b='&nbsp;'/>"), "line 1: Entity 'nbsp' not defined");
	assert_refused(SPAN("<a>&#0;</a>"), "line 1: ");
}

static void prefixes_are_dropped(void **state)
{
	(void)state;
	assert_story(SPAN("<p:a xmlns:p='urn:x' p:b='1' xmlns='y'><c/></p:a>"), "(a b=[1]:(c:))");
	assert_story(SPAN("<p:a q:b='1'/>"), "(a b=[1]:)");
}

static void encodings_are_converted(void **state)
{
	(void)state;
	assert_story(SPAN("<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'>\xe9</a>"),
		     "(a b=[\xc3\xa9]:\xc3\xa9)");
	assert_story(SPAN("\xff\xfe<\0a\0 \0b\0=\0'\0\xe9\0'\0/\0>\0"), "(a b=[\xc3\xa9]:)");
	assert_story(SPAN("\xfe\xff\0<\0a\0>\0\xe9\0<\0/\0a\0>"), "(a:\xc3\xa9)");
	assert_refused(SPAN("<a>\xe9</a>"), "line 1: Input is not proper UTF-8");
	assert_refused(SPAN("<?xml version='1.0' encoding='nonsense'?><a/>"),
		       "line 1: Unsupported encoding nonsense");
	assert_refused(SPAN("\xff\xfe<\0a\0/\0>\0x"), "line 1: the last character is cut");
	assert_refused(SPAN("\xff\xfe<\0a\0/\0>\0\0\xd8\0\xd8"), "line 1: input conversion failed");
}

static void what_is_no_document_is_refused(void **state)
{
	(void)state;
	assert_refused(SPAN(""), "line 1: the document is empty");
	assert_refused(SPAN("<"), "line 1: ");
	assert_refused(SPAN("abc"), "line 1: ");
	assert_refused(SPAN(" \n\n "), "line 3: there is no root element");
	assert_refused(SPAN("{\"error\":\"busy\"}"), "line 1: ");
	assert_refused(SPAN("<!DOCTYPE html>\n<html><body><br></body></html>\n"),
		       "line 1: a DTD is not allowed");
	assert_refused(SPAN("<html>\n<body><br>\n</body></html>"),
		       "line 3: Opening and ending tag");
	assert_refused(SPAN("<a>\n<b>\n</a>"), "line 3: Opening and ending tag mismatch");
	assert_refused(SPAN("<a>\n<b>\n"), "line 2: the document is cut");
	assert_refused(SPAN("<a b='1' b='2'/>"), "line 1: Attribute b redefined");
	assert_refused(SPAN("<a/>\n<b/>"), "line 2: Extra content at the end of the document");
	assert_refused(SPAN("<a/>x"), "line 1: Extra content at the end of the document");
	assert_refused(SPAN("<!-- c -->\n"), "line 2: there is no root element");
	assert_refused(SPAN("<a>text"), "line 1: the document is cut");
	assert_refused(SPAN("<a b='<'/>"), "line 1: ");
	assert_refused(SPAN("<a>\x01</a>"), "line 1: ");
}

static void entities_cannot_be_declared(void **state)
{
	(void)state;
	assert_refused(SPAN("<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><a>&d;</a>"),
		       "line 1: a DTD is not allowed");
	assert_refused(SPAN("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
		       "line 1: a DTD is not allowed");
}

static void the_listener_can_stop(void **state)
{
	(void)state;
	for (size_t calls = 1; calls <= 5; calls++) {
		struct scribe scribe;
		char complaint[512];

		scribe_init(&scribe);
		scribe.stop_after = calls;
		assert_false(read_pieces(&scribe, SPAN("<a>x<b/>y</a>"), 1, complaint,
					 sizeof(complaint)));
		assert_string_equal(complaint, "line 1: stopped by the listener");
		assert_int_equal(scribe.calls, calls);
		str_finish(&scribe.story);
	}
}

/* `count` times `unit` between `head` and `tail`. */
static bool read_repeated(const char *head, const char *unit, size_t count, const char *tail,
			  char *complaint, size_t complaint_size)
{
	struct scribe scribe;
	struct str document;
	bool is_good;

	str_init(&document, 64 * 1024 * 1024);
	str_append_text(&document, head);
	for (size_t i = 0; i < count; i++)
		str_append_text(&document, unit);
	str_append_text(&document, tail);
	scribe_init(&scribe);
	is_good = read_pieces(&scribe, str_span(&document), 50000, complaint, complaint_size);
	assert_true(scribe.longest_text <= 1024 * 1024);
	str_finish(&scribe.story);
	str_finish(&document);
	return is_good;
}

static void depth_and_lengths_are_limited(void **state)
{
	char why[512];
	struct str many;

	(void)state;
	assert_false(read_repeated("", "<a>", 65, "", why, sizeof(why)));
	assert_string_equal(why, "line 1: elements are nested deeper than 64");
	assert_false(read_repeated("", "<a>", 64, "", why, sizeof(why)));
	assert_null(strstr(why, "deeper"));
	assert_true(read_repeated("<a b='", "0123456789abcdef", 65536, "'/>", why, sizeof(why)));
	assert_false(read_repeated("<a b='", "0123456789abcdef", 65536, "x'/>", why, sizeof(why)));
	assert_string_equal(why, "line 1: a name or value is longer than 1 MiB");
	assert_false(read_repeated("<a b='", "0123456789abcdef", 1000000, "'/>", why, sizeof(why)));
	assert_true(read_repeated("<a>", "0123456789abcdef", 200000, "</a>", why, sizeof(why)));
	assert_true(read_repeated("<a><![CDATA[", "0123456789abcdef", 200000, "]]></a>", why,
				  sizeof(why)));
	assert_false(read_repeated("<a><![CDATA[", "0123456789abcdef", 1000000, "]]></a>", why,
				   sizeof(why)));
	assert_string_equal(why, "line 1: a tag, comment or CDATA section is longer than 10 MB");
	str_init(&many, 65536);
	str_append_text(&many, "<a");
	for (int i = 0; i < 256; i++)
		str_format(&many, " b%d='%d'", i, i);
	assert_true(read_repeated(str_text(&many), "", 0, "/>", why, sizeof(why)));
	assert_false(read_repeated(str_text(&many), "", 0, " c=''/>", why, sizeof(why)));
	assert_string_equal(why, "line 1: an element has more than 256 attributes");
	str_finish(&many);
}

static bool listen_opened(struct xml_listener *listener, struct span element,
			  const struct xml_attribute *attributes, size_t count)
{
	(void)listener;
	(void)element;
	(void)attributes;
	(void)count;
	return true;
}

static bool listen_text(struct xml_listener *listener, struct span text)
{
	(void)listener;
	(void)text;
	return true;
}

static bool listen_closed(struct xml_listener *listener, struct span element)
{
	(void)listener;
	(void)element;
	return true;
}

static void memory_stays_constant(void **state)
{
	struct xml_listener listener = {listen_opened, listen_text, listen_closed};
	struct xml_reader *reader = xml_reader_create(&listener);
	char item[128];
	size_t before = 0;

	(void)state;
	assert_true(xml_reader_feed(reader, SPAN("<list>")));
	for (int i = 0; i < 1000000; i++) {
		int length =
			snprintf(item, sizeof(item),
				 "<zone id=\"%d\" price=\"%d.50\" name=\"Zona &amp; %d\"/> text\n",
				 i, i % 90, i);

		assert_true(xml_reader_feed(reader, (struct span){item, (size_t)length}));
		if (i == 10000)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before + 65536);
	assert_true(xml_reader_feed(reader, SPAN("</list>")));
	assert_true(xml_reader_end(reader));
	xml_reader_destroy(reader);
	xml_reader_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_told),
		cmocka_unit_test(references_are_resolved),
		cmocka_unit_test(prefixes_are_dropped),
		cmocka_unit_test(encodings_are_converted),
		cmocka_unit_test(what_is_no_document_is_refused),
		cmocka_unit_test(entities_cannot_be_declared),
		cmocka_unit_test(the_listener_can_stop),
		cmocka_unit_test(depth_and_lengths_are_limited),
		cmocka_unit_test(memory_stays_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
