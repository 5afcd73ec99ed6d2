/* timers_fields.c - the fields of a timer, and the rules across them; called by the paths. */
#include <string.h>

#include "draft.h"

#define HEADERS_MAX_BYTES 8192
#define PAYLOAD_MAX_BYTES 262144
#define METADATA_MAX_BYTES 4096

static const char *const methods[] = {"POST", "PUT", "PATCH", "GET", "DELETE", NULL};

/* What frames the request, belongs to one connection, or is ours to set. */
static const char *const refused_headers[] = {
	"Host",       "Content-Length",    "Transfer-Encoding",
	"Connection", "Keep-Alive",        "Upgrade",
	"TE",         "Trailer",           "Proxy-*",
	"Expect",     "Content-Type",      "User-Agent",
	"webhook-id", "webhook-timestamp", "webhook-signature",
	NULL,
};

/* clang-format off */
#define DUE_FIELDS                                                                                        \
	{.name = "delay", .place = FIELD_IN_BODY, .kind = FIELD_DURATION, .max = TIMER_DELAY_MAX_US,      \
	 .description = "From now, in seconds (fractions too) or as an ISO 8601 duration; at most "       \
			"87,600 hours. Either this, or dueAt, or hours, minutes, seconds.",               \
	 .example = "PT1H30M"},                                                                           \
	{.name = "dueAt", .place = FIELD_IN_BODY, .kind = FIELD_MOMENT,                                   \
	 .description = "When it is due; at most 87,600 hours from now. What is past is due at once.",    \
	 .example = "2026-02-01T20:00:00Z"},                                                              \
	{.name = "hours", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER, .max = TIMER_HOURS_MAX,          \
	 .description = "From now, with minutes and seconds; those that are not given are 0.",            \
	 .example = "1"},                                                                                 \
	{.name = "minutes", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER, .max = 59,                     \
	 .description = "Minutes besides the hours.", .example = "30"},                                   \
	{.name = "seconds", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER, .max = 59,                     \
	 .description = "Seconds besides the minutes.", .example = "0"}

const struct field timers_fields[] = {
	[TIMER_URL] = {.name = "url", .place = FIELD_IN_BODY, .kind = FIELD_TARGET, .is_required = true,
		.description = "What is called: http or https; without a scheme http. At most 2,048 bytes.",
		.example = "https://receiver.example/hook"},
	DUE_FIELDS,
	[TIMER_METHOD] = {.name = "method", .place = FIELD_IN_BODY, .kind = FIELD_CHOICE,
		.choices = methods, .by_default = "POST",
		.description = "The request's method; GET and DELETE carry no body.", .example = "POST"},
	[TIMER_HEADERS] = {.name = "headers", .place = FIELD_IN_BODY, .kind = FIELD_HEADERS,
		.max = HEADERS_MAX_BYTES, .refused = refused_headers,
		.description = "Further headers: an object of strings, at most 32, 8 KiB in all; none "
			       "that frame the request (Host, Content-Length and the like) or that "
			       "sign it (webhook-id and the like).",
		.example = "{\"Authorization\":\"Bearer abc\"}"},
	[TIMER_PAYLOAD] = {.name = "payload", .place = FIELD_IN_BODY, .kind = FIELD_JSON,
		.max = PAYLOAD_MAX_BYTES,
		.description = "Any JSON, sent as \"payload\" in the body; at most 256 KiB without the "
			       "white space between its tokens.",
		.example = "{\"orderId\":42}"},
	[TIMER_MAX_ATTEMPTS] = {.name = "maxAttempts", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER,
		.min = 1, .max = 20, .by_default = "6",
		.description = "Attempts before it has failed.", .example = "6"},
	[TIMER_TIMEOUT_MS] = {.name = "timeoutMs", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER,
		.min = 100, .max = 60000, .by_default = "10000",
		.description = "Milliseconds an attempt may take.", .example = "10000"},
	[TIMER_METADATA] = {.name = "metadata", .place = FIELD_IN_BODY, .kind = FIELD_OBJECT,
		.max = METADATA_MAX_BYTES,
		.description = "Notes of your own, told with the timer and never sent; at most 4 KiB.",
		.example = "{\"team\":\"billing\"}"},
	[TIMER_KEY] = {.name = "Idempotency-Key", .place = FIELD_IN_HEADER, .kind = FIELD_KEY,
		.min = 1, .max = 255,
		.description = "The same key with the same body gives the first answer again, for 24 "
			       "hours at least.",
		.example = "8e03978e-40d5-43dd-bc93-6894a57f9324"},
	[TIMER_FIELD_COUNT] = {0},
};

const struct field timers_change_fields[] = {
	{.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_UUID, .is_required = true,
	 .description = "The timer.", .example = "019ab8f2-61d0-7c4e-9d2b-3f1c5e7a9b0d"},
	DUE_FIELDS,
	{0},
};
/* clang-format on */

/* --- when it is due --------------------------------------------------------------------------------- */

/* The rows from the delay on. */
enum { DELAY, DUE_AT, HOURS, MINUTES, SECONDS, DUE_COUNT };

static bool has_fault(const struct field *rows, const struct field_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		for (int row = DELAY; row < DUE_COUNT; row++)
			if (strcmp(faults->items[i].field, rows[row].name) == 0)
				return true;
	return false;
}

static bool has_clock(const struct field_value *values)
{
	return values[HOURS].is_given || values[MINUTES].is_given || values[SECONDS].is_given;
}

/* Numbers that are not given are 0. */
static int64_t clock_us(const struct field_value *values)
{
	return (values[HOURS].number * 3600 + values[MINUTES].number * 60 +
		values[SECONDS].number) *
	       INT64_C(1000000);
}

static void judge_range(const struct field *rows, const struct field_value *values, int64_t now_us,
			struct field_faults *faults)
{
	static const char message[] = "must be within 10 years (87,600 hours) from now";

	if (values[DUE_AT].is_given && values[DUE_AT].number > now_us + TIMER_DELAY_MAX_US)
		fields_fault(faults, &rows[DUE_AT], "maximum", message, values[DUE_AT].text);
	if (clock_us(values) > TIMER_DELAY_MAX_US)
		fields_fault(faults, &rows[HOURS], "maximum", message, values[HOURS].text);
}

void timers_judge_due(const struct field *first, const struct field_value *values, int64_t now_us,
		      struct field_faults *faults)
{
	bool has_delay = values[DELAY].is_given, has_time = values[DUE_AT].is_given;

	if (has_fault(first, faults))
		return;
	if (!has_delay && !has_time && !has_clock(values))
		fields_fault(faults, &first[DELAY], "required",
			     "is required, or dueAt, or hours, minutes and seconds", "");
	else if (has_delay && has_time)
		fields_fault(faults, &first[DUE_AT], "conflict", "must not be given beside delay",
			     values[DUE_AT].text);
	else if ((has_delay || has_time) && has_clock(values))
		fields_fault(faults, &first[HOURS], "conflict",
			     has_delay
				     ? "must not be given beside delay, nor may minutes or seconds"
				     : "must not be given beside dueAt, nor may minutes or seconds",
			     values[HOURS].is_given ? values[HOURS].text : "");
	else
		judge_range(first, values, now_us, faults);
}

struct timers_due timers_read_due(const struct field_value *values)
{
	if (values[DUE_AT].is_given)
		return (struct timers_due){values[DUE_AT].text, values[DUE_AT].number};
	if (values[DELAY].is_given)
		return (struct timers_due){NULL, values[DELAY].number};
	return (struct timers_due){NULL, clock_us(values)};
}
