/* tasks_body.c - judges the body of a webhook, and tells its faults in the form that FastAPI has. Called by
 * tasks_webhook.c. */
#include <string.h>

#include "almanac/fields.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "webhook.h"

#define NAME_MAX_BYTES 1000 /* of user and task: they are keys of indexes */
#define INPUT_MAX_BYTES 4096
#define SMALL_BYTES 4096

/* The faults found so far. */
struct judge {
	struct arena *arena;
	struct str *answer;
	size_t faults;
};

struct fault {
	const char *type;
	const char *place; /* "\"body\",\"metadata\"" */
	const char *message;
	const struct json *input; /* NULL: `text` */
	struct span text;         /* no bytes: null */
	const char *reason;       /* NULL: none */
};

/* --- telling faults --------------------------------------------------------------------------------------- */

/* A large input is cut: it is shown to be recognized. */
static void append_cut(struct str *out, struct span text)
{
	if (text.length > INPUT_MAX_BYTES)
		text.length = INPUT_MAX_BYTES;
	json_append_text(out, text);
}

static void append_input(struct str *out, const struct fault *fault)
{
	struct str written;

	if (!fault->input) {
		if (fault->text.bytes)
			append_cut(out, fault->text);
		else
			str_append_text(out, "null");
		return;
	}
	str_init(&written, INPUT_MAX_BYTES);
	json_append(&written, fault->input);
	if (written.has_overflowed)
		append_cut(out, str_span(&written));
	else
		str_append(out, str_span(&written));
	str_finish(&written);
}

static void tell(struct judge *judge, const struct fault *fault)
{
	struct str *out = judge->answer;

	str_append_text(out, judge->faults++ ? ",{\"type\":\"" : "{\"detail\":[{\"type\":\"");
	str_append_text(out, fault->type);
	str_append_text(out, "\",\"loc\":[");
	str_append_text(out, fault->place);
	str_append_text(out, "],\"msg\":");
	json_append_text(out, span_of(fault->message));
	str_append_text(out, ",\"input\":");
	append_input(out, fault);
	if (fault->reason) {
		str_append_text(out, ",\"ctx\":{\"error\":");
		json_append_text(out, span_of(fault->reason));
		str_append_char(out, '}');
	}
	str_append_char(out, '}');
}

static void tell_no_object(struct judge *judge, const char *place, const struct json *input,
			   struct span text)
{
	tell(judge,
	     &(struct fault){
		     .type = "model_attributes_type",
		     .place = place,
		     .message =
			     "Input should be a valid dictionary or object to extract fields from",
		     .input = input,
		     .text = text,
	     });
}

/* --- members --------------------------------------------------------------------------------------------- */

struct member {
	const struct json *object;
	const char *name;
	const char *place;
};

/* NULL when it is missing, which is told. */
static const struct json *take(struct judge *judge, const struct member *member)
{
	const struct json *value = json_member(member->object, member->name);

	if (!value)
		tell(judge, &(struct fault){.type = "missing",
					    .place = member->place,
					    .message = "Field required",
					    .input = member->object});
	return value;
}

static void tell_value(struct judge *judge, const struct member *member, const char *type,
		       const char *message, const char *reason)
{
	tell(judge, &(struct fault){.type = type,
				    .place = member->place,
				    .message = message,
				    .input = json_member(member->object, member->name),
				    .reason = reason});
}

static const char *take_text(struct judge *judge, const struct member *member)
{
	const struct json *value = take(judge, member);

	if (!value)
		return NULL;
	if (json_kind(value) != JSON_TEXT) {
		tell_value(judge, member, "string_type", "Input should be a valid string", NULL);
		return NULL;
	}
	return arena_text(judge->arena, json_text(value));
}

/* One that is a key. */
static const char *take_name(struct judge *judge, const struct member *member)
{
	const char *name = take_text(judge, member);
	size_t length = name ? strlen(name) : 1;

	if (length == 0)
		tell_value(judge, member, "string_too_short",
			   "String should have at least 1 character", NULL);
	if (length > NAME_MAX_BYTES)
		tell_value(judge, member, "string_too_long",
			   "String should have at most 1000 bytes in UTF-8", NULL);
	return name;
}

static bool take_flag(struct judge *judge, const struct member *member)
{
	const struct json *value = take(judge, member);
	enum json_kind kind = value ? json_kind(value) : JSON_FLAG;

	if (kind == JSON_TEXT || kind == JSON_INTEGER || kind == JSON_REAL)
		tell_value(judge, member, "bool_parsing",
			   "Input should be a valid boolean, unable to interpret input", NULL);
	else if (kind != JSON_FLAG)
		tell_value(judge, member, "bool_type", "Input should be a valid boolean", NULL);
	return value && kind == JSON_FLAG && json_flag(value);
}

static void tell_moment(struct judge *judge, const struct member *member, struct span text)
{
	const char *reason = "no date-time of RFC 3339 or ISO 8601, or none of the calendar";
	bool has_time =
		memchr(text.bytes, 'T', text.length) || memchr(text.bytes, ':', text.length);

	if (text.length < 10)
		reason = "input is too short";
	if (text.length >= 4 && (*text.bytes < '0' || *text.bytes > '9'))
		reason = "invalid character in year";
	tell_value(judge, member, has_time ? "datetime_parsing" : "datetime_from_date_parsing",
		   arena_format(judge->arena, "Input should be a valid datetime%s, %s",
				has_time ? "" : " or date", reason),
		   reason);
}

static const char *write_moment(struct arena *arena, const struct moment *written)
{
	char text[MOMENT_TEXT_MAX];
	size_t length = moment_write_exact(moment_unix_us(written), text);

	return arena_text(arena, (struct span){text, length});
}

static const char *take_moment(struct judge *judge, const struct member *member)
{
	const struct json *value = take(judge, member);
	struct moment moment;

	if (!value)
		return NULL;
	if (json_kind(value) != JSON_TEXT) {
		tell_value(judge, member, "datetime_type", "Input should be a valid datetime",
			   NULL);
		return NULL;
	}
	if (moment_parse(json_text(value), &moment))
		return write_moment(judge->arena, &moment);
	tell_moment(judge, member, json_text(value));
	return NULL;
}

/* --- the event ------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum webhook_kind open, completed; /* by isCompleted */
} events[] = {
	{"created", WEBHOOK_CREATED, WEBHOOK_CREATED_COMPLETED},
	{"updated", WEBHOOK_OPEN, WEBHOOK_COMPLETED},
	{"deleted", WEBHOOK_DELETED, WEBHOOK_DELETED},
	{"completed", WEBHOOK_COMPLETED, WEBHOOK_COMPLETED},
	{"reopened", WEBHOOK_OPEN, WEBHOOK_OPEN},
	{"content_updated", WEBHOOK_CONTENT, WEBHOOK_CONTENT},
};

static enum webhook_kind kind_of(const char *event, bool is_completed)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (strcmp(events[i].name, event) == 0)
			return is_completed ? events[i].completed : events[i].open;
	return WEBHOOK_UNKNOWN;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

#define AT_METADATA "\"body\",\"metadata\""

static bool take_metadata(struct judge *judge, const struct json *body, struct webhook *webhook)
{
	const struct json *metadata = take(judge, &(struct member){body, "metadata", AT_METADATA});

	if (!metadata)
		return false;
	if (json_kind(metadata) != JSON_OBJECT) {
		tell_no_object(judge, AT_METADATA, metadata, (struct span){0});
		return false;
	}
	webhook->user =
		take_name(judge, &(struct member){metadata, "userId", AT_METADATA ",\"userId\""});
	webhook->id = take_name(judge, &(struct member){metadata, "id", AT_METADATA ",\"id\""});
	webhook->content =
		take_text(judge, &(struct member){metadata, "content", AT_METADATA ",\"content\""});
	return take_flag(judge,
			 &(struct member){metadata, "isCompleted", AT_METADATA ",\"isCompleted\""});
}

static void take_all(struct judge *judge, const struct json *body, struct webhook *webhook)
{
	const char *event = take_text(judge, &(struct member){body, "event", "\"body\",\"event\""});
	bool is_completed;

	webhook->at =
		take_moment(judge, &(struct member){body, "timestamp", "\"body\",\"timestamp\""});
	is_completed = take_metadata(judge, body, webhook);
	if (judge->faults == 0)
		webhook->kind = kind_of(event, is_completed);
}

static const struct json *parse(struct judge *judge, struct arena *arena, struct span body)
{
	const char *complaint = NULL;
	const struct json *json;

	if (body.length == 0) {
		tell(judge, &(struct fault){.type = "missing",
					    .place = "\"body\"",
					    .message = "Field required"});
		return NULL;
	}
	json = json_parse(arena, body, &complaint);
	if (!json)
		tell(judge, &(struct fault){.type = "json_invalid",
					    .place = "\"body\"",
					    .message = "JSON decode error",
					    .text = body,
					    .reason = complaint});
	return json;
}

/* A document that is large beside what is taken out of it has an arena of its own. */
bool body_judge(struct arena *arena, struct span body, bool is_json_type, struct webhook *webhook,
		struct str *answer)
{
	struct judge judge = {.arena = arena, .answer = answer};
	struct arena *document = body.length > SMALL_BYTES ? arena_create() : arena;
	const struct json *json = NULL;

	*webhook = (struct webhook){.kind = WEBHOOK_UNKNOWN};
	if (body.length > 0 && !is_json_type)
		tell_no_object(&judge, "\"body\"", NULL, body);
	else
		json = parse(&judge, document, body);
	if (json && json_kind(json) != JSON_OBJECT)
		tell_no_object(&judge, "\"body\"", json, (struct span){0});
	else if (json)
		take_all(&judge, json, webhook);
	if (document != arena)
		arena_destroy(document);
	if (judge.faults)
		str_append_text(answer, "]}");
	return judge.faults == 0;
}
