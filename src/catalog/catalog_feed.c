/* catalog_feed.c - reads providers' XML; called by catalog_sync.c, calls formats. */
#include "feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/decimal.h"
#include "almanac/fields.h"
#include "almanac/json.h"
#include "almanac/xml.h"

#define MAX_VALUE_BYTES 8192
#define MAX_ID_BYTES 200
#define MAX_TITLE_BYTES 2000
#define MAX_ZONES_BYTES ((size_t)8 << 20)
#define ZONE_BYTES 104 /* of a zone's JSON beside its id and name */
#define MAX_ROOT_SHOWN 60
#define MAX_COMPLAINT_BYTES 500

enum part { PART_NONE, PART_BASE, PART_EVENT, PART_ZONE, PART_COUNT };

enum slot {
	SLOT_BASE_ID,
	SLOT_TITLE,
	SLOT_SELL_MODE,
	SLOT_EVENT_ID,
	SLOT_START,
	SLOT_OLD_START,
	SLOT_END,
	SLOT_SELL_FROM,
	SLOT_SELL_TO,
	SLOT_SOLD_OUT,
	SLOT_ZONE_ID,
	SLOT_CAPACITY,
	SLOT_PRICE,
	SLOT_MAX_PRICE,
	SLOT_ZONE_NAME,
	SLOT_NUMBERED,
	SLOT_COUNT
};

struct value {
	struct str text;
	bool is_given;
};

struct feed {
	struct xml_listener xml;
	struct xml_reader *reader;
	struct feed_listener *listener;
	bool wants_zones;
	bool has_root;
	struct str complaint;
	int depth;
	enum part part;
	int part_depth[PART_COUNT];
	struct value values[SLOT_COUNT];
	struct value *collecting; /* the value a child element is giving, or NULL */
	int collecting_depth;
	/* of the event that is open */
	struct str zones;
	size_t zone_count;
	size_t zones_weight; /* the most their JSON can have */
	bool has_capacity;
	bool has_prices;
	int64_t min_price, max_price;
};

static const struct {
	const char *name;
	enum part part;
} parts[] = {
	{"base_event", PART_BASE}, {"base_plan", PART_BASE}, {"event", PART_EVENT},
	{"plan", PART_EVENT},      {"zone", PART_ZONE},
};

static const struct {
	enum part part;
	const char *name;
	enum slot slot;
} names[] = {
	{PART_BASE, "base_event_id", SLOT_BASE_ID},
	{PART_BASE, "base_plan_id", SLOT_BASE_ID},
	{PART_BASE, "title", SLOT_TITLE},
	{PART_BASE, "sell_mode", SLOT_SELL_MODE},
	{PART_EVENT, "event_id", SLOT_EVENT_ID},
	{PART_EVENT, "plan_id", SLOT_EVENT_ID},
	{PART_EVENT, "event_start_date", SLOT_START},
	{PART_EVENT, "plan_start_date", SLOT_START},
	{PART_EVENT, "event_date", SLOT_OLD_START},
	{PART_EVENT, "plan_date", SLOT_OLD_START},
	{PART_EVENT, "event_end_date", SLOT_END},
	{PART_EVENT, "plan_end_date", SLOT_END},
	{PART_EVENT, "sell_from", SLOT_SELL_FROM},
	{PART_EVENT, "sell_to", SLOT_SELL_TO},
	{PART_EVENT, "sold_out", SLOT_SOLD_OUT},
	{PART_ZONE, "zone_id", SLOT_ZONE_ID},
	{PART_ZONE, "capacity", SLOT_CAPACITY},
	{PART_ZONE, "price", SLOT_PRICE},
	{PART_ZONE, "max_price", SLOT_MAX_PRICE},
	{PART_ZONE, "name", SLOT_ZONE_NAME},
	{PART_ZONE, "numbered", SLOT_NUMBERED},
};

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))

/* --- values ----------------------------------------------------------------------------------------- */

static struct span text_of(const struct feed *feed, enum slot slot)
{
	return str_span(&feed->values[slot].text);
}

static struct span trimmed(const struct feed *feed, enum slot slot)
{
	return span_trim(text_of(feed, slot));
}

/* Longer than MAX_VALUE_BYTES: then its text is empty. */
static bool is_too_long(const struct feed *feed, enum slot slot)
{
	return feed->values[slot].text.has_overflowed;
}

static bool is_written(const struct feed *feed, enum slot slot)
{
	return is_too_long(feed, slot) || trimmed(feed, slot).length > 0;
}

static void set(struct value *value, struct span text)
{
	str_clear(&value->text);
	value->text.has_overflowed = false;
	str_append(&value->text, text);
	value->is_given = true;
}

static void append(struct value *value, struct span text)
{
	if (value->text.has_overflowed)
		return;
	str_append(&value->text, text);
	if (value->text.has_overflowed)
		str_clear(&value->text);
}

/* Elements are often written with line ends and blanks around their text. */
static void trim(struct value *value)
{
	struct span kept = span_trim(str_span(&value->text));

	if (kept.length == value->text.length)
		return;
	memmove(value->text.bytes, kept.bytes, kept.length);
	value->text.length = kept.length;
	value->text.bytes[kept.length] = '\0';
}

static struct value *value_named(struct feed *feed, struct span name)
{
	for (size_t i = 0; i < LENGTH(names); i++)
		if (names[i].part == feed->part && span_is(name, names[i].name))
			return &feed->values[names[i].slot];
	return NULL;
}

static void forget_values(struct feed *feed, enum part part)
{
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct value *value = &feed->values[names[i].slot];

		if (names[i].part != part)
			continue;
		str_clear(&value->text);
		value->text.has_overflowed = false;
		value->is_given = false;
	}
}

/* At most so many bytes from the front, and no half character. */
static struct span front(struct span text, size_t most)
{
	if (text.length <= most)
		return text;
	while (most > 0 && ((unsigned char)text.bytes[most] & 0xc0) == 0x80)
		most--;
	return (struct span){text.bytes, most};
}

static void tell(struct feed *feed, const char *field, const char *message, struct span value)
{
	const struct feed_problem problem = {
		.base_id = front(text_of(feed, SLOT_BASE_ID), MAX_ID_BYTES),
		.event_id = feed->part >= PART_EVENT
				    ? front(text_of(feed, SLOT_EVENT_ID), MAX_ID_BYTES)
				    : SPAN(""),
		.field = field,
		.message = message,
		.value = value,
	};

	feed->listener->problem(feed->listener, &problem);
}

/* --- zones ------------------------------------------------------------------------------------------ */

static void note_price(struct feed *feed, int64_t price)
{
	if (!feed->has_prices || price < feed->min_price)
		feed->min_price = price;
	if (!feed->has_prices || price > feed->max_price)
		feed->max_price = price;
	feed->has_prices = true;
}

/* The zone's price; a zone without a usable one still counts as a zone. */
static bool read_price(struct feed *feed, int64_t *price)
{
	bool has_price = feed->values[SLOT_PRICE].is_given;
	enum slot slot = has_price ? SLOT_PRICE : SLOT_MAX_PRICE;

	if (!feed->values[slot].is_given) {
		tell(feed, "price", "is missing", SPAN(""));
		return false;
	}
	if (!decimal_parse(text_of(feed, slot), price)) {
		tell(feed, has_price ? "price" : "max_price",
		     "must be a decimal such as 12.50, at most 12 digits and 6 decimals",
		     text_of(feed, slot));
		return false;
	}
	note_price(feed, *price);
	return true;
}

static bool read_capacity(struct feed *feed, int64_t *capacity)
{
	if (!feed->values[SLOT_CAPACITY].is_given)
		return false;
	if (!integer_parse(trimmed(feed, SLOT_CAPACITY), capacity) || *capacity < 0) {
		tell(feed, "capacity", "must be a whole number", text_of(feed, SLOT_CAPACITY));
		return false;
	}
	if (*capacity > 0)
		feed->has_capacity = true;
	return true;
}

static const char *flag_text(struct feed *feed, enum slot slot)
{
	if (span_is(trimmed(feed, slot), "true") || span_is(trimmed(feed, slot), "1"))
		return "true";
	if (span_is(trimmed(feed, slot), "false") || span_is(trimmed(feed, slot), "0"))
		return "false";
	return "null";
}

static struct span read_zone_text(struct feed *feed, enum slot slot, const char *field)
{
	if (is_too_long(feed, slot))
		tell(feed, field, "must be at most 8192 bytes long: left out", SPAN(""));
	return text_of(feed, slot);
}

/* JSON takes two bytes at most for each of a text that XML can hold. Whether an event has too many
 * zones does not depend on whether they are wanted: a feed is read twice. */
static bool has_room(struct feed *feed, struct span id, struct span name)
{
	feed->zones_weight += 2 * (id.length + name.length) + ZONE_BYTES;
	return feed->zones_weight <= MAX_ZONES_BYTES;
}

static void close_zone(struct feed *feed)
{
	struct str *out = &feed->zones;
	int64_t price = 0, capacity = 0;
	bool has_price = read_price(feed, &price);
	bool has_capacity = read_capacity(feed, &capacity);
	struct span id = read_zone_text(feed, SLOT_ZONE_ID, "zone_id");
	struct span name = read_zone_text(feed, SLOT_ZONE_NAME, "name");

	feed->zone_count++;
	if (!has_room(feed, id, name) || !feed->wants_zones)
		return;
	str_append_text(out, feed->zone_count > 1 ? ",{\"zone_id\":" : "{\"zone_id\":");
	json_append_text(out, id);
	str_append(out, SPAN(",\"name\":"));
	json_append_text(out, name);
	str_append(out, SPAN(",\"capacity\":"));
	if (has_capacity)
		str_append_number(out, capacity);
	else
		str_append(out, SPAN("null"));
	str_append(out, SPAN(",\"price\":"));
	if (has_price)
		decimal_append(out, price);
	else
		str_append(out, SPAN("null"));
	str_append(out, SPAN(",\"numbered\":"));
	str_append_text(out, flag_text(feed, SLOT_NUMBERED));
	str_append_char(out, '}');
}

/* --- events ----------------------------------------------------------------------------------------- */

static void begin_event(struct feed *feed)
{
	str_clear(&feed->zones);
	str_append_char(&feed->zones, '[');
	feed->zone_count = 0;
	feed->zones_weight = 0;
	feed->has_capacity = false;
	feed->has_prices = false;
}

static bool has_id(struct feed *feed, enum slot slot, const char *field)
{
	struct span id = text_of(feed, slot);

	if (id.length > 0 && id.length <= MAX_ID_BYTES)
		return true;
	tell(feed, field,
	     id.length || is_too_long(feed, slot) ? "must be at most 200 bytes long" : "is missing",
	     id);
	return false;
}

static bool read_moment(struct feed *feed, enum slot slot, const char *field, struct moment *moment)
{
	struct span text = text_of(feed, slot);

	if (!moment_parse(text, moment) || moment->is_basic) {
		tell(feed, field,
		     text.length || is_too_long(feed, slot) ? "is not a date or date-time"
							    : "is missing",
		     text);
		return false;
	}
	return true;
}

/* An end that is a date alone stands for its whole day. Local times are compared as written. */
static bool ends_before(const struct moment *end, const struct moment *start)
{
	struct moment first = *end, second = *start;

	if (first.has_offset != second.has_offset) {
		first.offset_minutes = 0;
		second.offset_minutes = 0;
	}
	if (!first.has_time) {
		first.hour = 23;
		first.minute = 59;
		first.second = 59;
		first.microsecond = 999999;
	}
	return moment_unix_us(&first) < moment_unix_us(&second);
}

static bool read_dates(struct feed *feed, struct feed_event *event)
{
	bool is_old = !feed->values[SLOT_START].is_given && feed->values[SLOT_OLD_START].is_given;
	const char *field = is_old ? "event_date" : "start_date";

	if (!read_moment(feed, is_old ? SLOT_OLD_START : SLOT_START, field, &event->start))
		return false;
	event->has_end = is_written(feed, SLOT_END);
	if (!event->has_end)
		return true;
	if (!read_moment(feed, SLOT_END, "end_date", &event->end))
		return false;
	if (ends_before(&event->end, &event->start)) {
		tell(feed, "end_date", "is before the start", text_of(feed, SLOT_END));
		return false;
	}
	return true;
}

static bool read_sale(struct feed *feed, enum slot slot, const char *field, struct moment *moment)
{
	return is_written(feed, slot) && read_moment(feed, slot, field, moment);
}

static bool read_title(struct feed *feed, struct feed_event *event)
{
	event->title = text_of(feed, SLOT_TITLE);
	if (event->title.length > MAX_TITLE_BYTES || is_too_long(feed, SLOT_TITLE)) {
		tell(feed, "title", "must be at most 2000 bytes long", SPAN(""));
		return false;
	}
	if (event->title.length == 0)
		tell(feed, "title", feed->values[SLOT_TITLE].is_given ? "is empty" : "is missing",
		     SPAN(""));
	return true;
}

static bool read_sell_mode(struct feed *feed)
{
	struct span mode = trimmed(feed, SLOT_SELL_MODE);

	if (!span_is(mode, "online") && !span_is(mode, "offline"))
		tell(feed, "sell_mode", "must be online or offline: taken for offline", mode);
	return span_is(mode, "online");
}

static bool read_event(struct feed *feed, struct feed_event *event)
{
	if (!has_id(feed, SLOT_BASE_ID, "base_id") || !has_id(feed, SLOT_EVENT_ID, "event_id"))
		return false;
	event->base_id = text_of(feed, SLOT_BASE_ID);
	event->event_id = text_of(feed, SLOT_EVENT_ID);
	if (!read_dates(feed, event) || !read_title(feed, event))
		return false;
	if (feed->zones_weight > MAX_ZONES_BYTES) {
		tell(feed, "zones", "are more than can be kept", SPAN(""));
		return false;
	}
	event->is_online = read_sell_mode(feed);
	event->is_sold_out = *flag_text(feed, SLOT_SOLD_OUT) == 't';
	event->is_available = !event->is_sold_out && feed->has_capacity;
	event->has_sell_from = read_sale(feed, SLOT_SELL_FROM, "sell_from", &event->sell_from);
	event->has_sell_to = read_sale(feed, SLOT_SELL_TO, "sell_to", &event->sell_to);
	event->has_prices = feed->has_prices;
	event->min_price = feed->min_price;
	event->max_price = feed->max_price;
	event->zone_count = feed->zone_count;
	event->zones = feed->wants_zones ? str_span(&feed->zones) : SPAN("");
	return true;
}

static bool close_event(struct feed *feed)
{
	struct feed_event event = {0};

	str_append_char(&feed->zones, ']');
	assert(!feed->zones.has_overflowed);
	if (read_event(feed, &event))
		return feed->listener->event(feed->listener, &event);
	return feed->listener->rejected(feed->listener, text_of(feed, SLOT_BASE_ID),
					text_of(feed, SLOT_EVENT_ID));
}

/* --- elements --------------------------------------------------------------------------------------- */

static enum part part_named(struct span element)
{
	for (size_t i = 0; i < LENGTH(parts); i++)
		if (span_is(element, parts[i].name))
			return parts[i].part;
	return PART_NONE;
}

static bool open_root(struct feed *feed, struct span element)
{
	feed->has_root = true;
	if (span_is(element, "eventList") || span_is(element, "planList"))
		return true;
	element = front(element, MAX_ROOT_SHOWN);
	str_format(&feed->complaint, "the root element is <%.*s>, not <eventList> or <planList>",
		   (int)element.length, element.bytes);
	return false;
}

static void open_part(struct feed *feed, enum part part, const struct xml_attribute *attributes,
		      size_t count)
{
	feed->part = part;
	feed->part_depth[part] = feed->depth;
	forget_values(feed, part);
	if (part == PART_EVENT)
		begin_event(feed);
	for (size_t i = 0; i < count; i++) {
		struct value *value = value_named(feed, attributes[i].name);

		if (value)
			set(value, attributes[i].value);
	}
}

static void open_value(struct feed *feed, struct span element)
{
	struct value *value = value_named(feed, element);

	if (!value)
		return;
	set(value, SPAN(""));
	feed->collecting = value;
	feed->collecting_depth = feed->depth;
}

static bool opened(struct xml_listener *listener, struct span element,
		   const struct xml_attribute *attributes, size_t count)
{
	struct feed *feed = container_of(listener, struct feed, xml);
	enum part part = part_named(element);

	feed->depth++;
	if (!feed->has_root)
		return open_root(feed, element);
	if (feed->collecting)
		return true;
	if (part == feed->part + 1)
		open_part(feed, part, attributes, count);
	else
		open_value(feed, element);
	return true;
}

static bool text(struct xml_listener *listener, struct span bytes)
{
	struct feed *feed = container_of(listener, struct feed, xml);

	if (feed->collecting)
		append(feed->collecting, bytes);
	return true;
}

static bool closed(struct xml_listener *listener, struct span element)
{
	struct feed *feed = container_of(listener, struct feed, xml);
	int depth = feed->depth--;
	bool goes_on = true;

	(void)element;
	if (feed->collecting && feed->collecting_depth == depth) {
		trim(feed->collecting);
		feed->collecting = NULL;
	}
	if (feed->part == PART_NONE || feed->part_depth[feed->part] != depth)
		return true;
	if (feed->part == PART_ZONE)
		close_zone(feed);
	else if (feed->part == PART_EVENT)
		goes_on = close_event(feed);
	feed->part--;
	return goes_on;
}

/* --- the door ---------------------------------------------------------------------------------------- */

struct feed *feed_create(struct feed_listener *listener, bool wants_zones)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		abort();
	feed->listener = listener;
	feed->wants_zones = wants_zones;
	feed->xml = (struct xml_listener){.opened = opened, .text = text, .closed = closed};
	feed->reader = xml_reader_create(&feed->xml);
	str_init(&feed->complaint, MAX_COMPLAINT_BYTES);
	str_init(&feed->zones, MAX_ZONES_BYTES + 2);
	for (size_t i = 0; i < SLOT_COUNT; i++)
		str_init(&feed->values[i].text, MAX_VALUE_BYTES);
	return feed;
}

void feed_destroy(struct feed *feed)
{
	if (!feed)
		return;
	xml_reader_destroy(feed->reader);
	str_finish(&feed->complaint);
	str_finish(&feed->zones);
	for (size_t i = 0; i < SLOT_COUNT; i++)
		str_finish(&feed->values[i].text);
	free(feed);
}

bool feed_read(struct feed *feed, struct span bytes)
{
	return xml_reader_feed(feed->reader, bytes);
}

bool feed_end(struct feed *feed)
{
	return xml_reader_end(feed->reader);
}

const char *feed_complaint(const struct feed *feed)
{
	return feed->complaint.length ? str_text(&feed->complaint) : xml_complaint(feed->reader);
}
