/* report_text.c - the tasks of a report put into words: JSON and CSV. Called by reports_writer.c and
 * reports_api.c. */
#include <stdlib.h>
#include <string.h>

#include "almanac/json.h"
#include "almanac/moment.h"
#include "report.h"

#define TEXT_MAX ((size_t)1 << 30)

struct report_item {
	enum report_list list;
	bool is_late;
	int64_t at_us;
	size_t id, id_length; /* places in the report's texts */
	size_t content, content_length;
};

static const struct {
	const char *word;   /* in SQL and CSV */
	const char *member; /* in JSON */
} lists[REPORT_LIST_COUNT] = {
	[REPORT_NEW] = {"new", "newIncompleteTasks"},
	[REPORT_COMPLETED] = {"completed", "completedTasks"},
	[REPORT_OLD] = {"old", "oldIncompleteTasks"},
};

/* --- filling --------------------------------------------------------------------------------------------- */

void report_init(struct report *report, int64_t starts_us, int64_t ends_us)
{
	*report = (struct report){.starts_us = starts_us, .ends_us = ends_us};
	str_init(&report->user, TEXT_MAX);
	str_init(&report->texts, TEXT_MAX);
}

void report_finish(struct report *report)
{
	str_finish(&report->user);
	str_finish(&report->texts);
	free(report->items);
	report->items = NULL;
}

void report_begin(struct report *report, struct span user)
{
	str_clear(&report->user);
	str_append(&report->user, user);
	str_clear(&report->texts);
	report->count = 0;
}

static struct report_item *add_item(struct report *report)
{
	if (report->count == report->room) {
		report->room = report->room ? report->room * 2 : 64;
		report->items = realloc(report->items, report->room * sizeof(*report->items));
		if (!report->items)
			abort();
	}
	return &report->items[report->count++];
}

static enum report_list list_of(struct span word)
{
	enum report_list list = REPORT_NEW;

	while (list < REPORT_OLD && !span_is(word, lists[list].word))
		list++;
	return list;
}

void report_add(struct report *report, struct span list, struct span id, struct span content,
		int64_t at_us, bool is_late)
{
	struct report_item *item = add_item(report);

	*item = (struct report_item){
		.list = list_of(list),
		.is_late = is_late,
		.at_us = at_us,
		.id = report->texts.length,
		.id_length = id.length,
		.content = report->texts.length + id.length,
		.content_length = content.length,
	};
	str_append(&report->texts, id);
	str_append(&report->texts, content);
}

/* Ids come in their order, and stand in the texts in that order: equal times keep it. */
static int compare(const void *one, const void *other)
{
	const struct report_item *a = one, *b = other;

	if (a->list != b->list)
		return a->list < b->list ? -1 : 1;
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void sort(struct report *report)
{
	if (report->count > 1)
		qsort(report->items, report->count, sizeof(*report->items), compare);
}

static struct span text_of(const struct report *report, size_t place, size_t length)
{
	return (struct span){report->texts.bytes + place, length};
}

static void append_moment(struct str *out, int64_t at_us)
{
	char text[MOMENT_TEXT_MAX];

	str_append(out, (struct span){text, moment_write_rfc3339(at_us, text)});
}

/* --- JSON, as json.dumps(indent=2, ensure_ascii=False) of Python lays it out ------------------------------- */

static void append_member_text(struct str *out, const char *member, struct span text)
{
	str_append_text(out, member);
	json_append_text(out, text);
}

static void append_member_moment(struct str *out, const char *member, int64_t at_us)
{
	str_append_text(out, member);
	append_moment(out, at_us);
	str_append_char(out, '"');
}

static void append_item(const struct report *report, const struct report_item *item,
			struct str *out)
{
	append_member_text(out,
			   "    {\n      \"id\": ", text_of(report, item->id, item->id_length));
	append_member_text(out, ",\n      \"content\": ",
			   text_of(report, item->content, item->content_length));
	append_member_moment(out, ",\n      \"createdOrCompletedAt\": \"", item->at_us);
	if (item->is_late)
		str_append_text(out, ",\n      \"late\": true");
	str_append_text(out, "\n    }");
}

static void append_list(const struct report *report, enum report_list list, struct str *out)
{
	size_t count = 0;

	str_format(out, ",\n  \"%s\": [", lists[list].member);
	for (size_t i = 0; i < report->count; i++) {
		if (report->items[i].list != list)
			continue;
		str_append_text(out, count++ ? ",\n" : "\n");
		append_item(report, &report->items[i], out);
	}
	str_append_text(out, count ? "\n  ]" : "]");
}

void report_append_json(struct report *report, struct str *out)
{
	sort(report);
	append_member_text(out, "{\n  \"userId\": ", str_span(&report->user));
	append_member_moment(out, ",\n  \"period\": {\n    \"start\": \"", report->starts_us);
	append_member_moment(out, ",\n    \"end\": \"", report->ends_us);
	str_append_text(out, "\n  }");
	for (enum report_list list = REPORT_NEW; list < REPORT_LIST_COUNT; list++)
		append_list(report, list, out);
	str_append_text(out, "\n}\n");
}

/* --- CSV --------------------------------------------------------------------------------------------------- */

/* Quoted, so that commas, quotes and line ends are data; see OWASP, "CSV Injection", for the apostrophe. */
static void append_cell(struct str *out, struct span text)
{
	str_append_char(out, '"');
	if (text.length > 0 && *text.bytes != '\0' && strchr("=+-@\t\r", *text.bytes))
		str_append_char(out, '\'');
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '"')
			str_append_char(out, '"');
		str_append_char(out, text.bytes[i]);
	}
	str_append_char(out, '"');
}

void report_append_csv(struct report *report, struct str *out)
{
	sort(report);
	str_append_text(out,
			"userId,periodStart,periodEnd,list,id,content,createdOrCompletedAt\r\n");
	for (size_t i = 0; i < report->count; i++) {
		const struct report_item *item = &report->items[i];

		append_cell(out, str_span(&report->user));
		str_append_char(out, ',');
		append_moment(out, report->starts_us);
		str_append_char(out, ',');
		append_moment(out, report->ends_us);
		str_format(out, ",%s,", lists[item->list].word);
		append_cell(out, text_of(report, item->id, item->id_length));
		str_append_char(out, ',');
		append_cell(out, text_of(report, item->content, item->content_length));
		str_append_char(out, ',');
		append_moment(out, item->at_us);
		str_append_text(out, "\r\n");
	}
}
