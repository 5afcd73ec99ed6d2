/* calendar_generator.c - the built-in source: events made of a user's id and the hour; the room calls
 * me, I call nobody
 *
 * Nothing is remembered. Events are numbered without end, and at each hour a user has those of a window
 * of numbers that slides on by some an hour: those before it are gone, those new in it have come. When an
 * event changes is told by its number as well, so how often it did is a division.
 */
#include "source.h"

#define HOUR_US (3600 * INT64_C(1000000))
#define DAY_US (24 * HOUR_US)
#define QUARTER_US (HOUR_US / 4)

/* Every event that is alive at the first hour was born behind 1970, and all are over before 9999. */
#define FIRST_HOUR 10000
#define LAST_HOUR 70000000

#define SPREAD_HOURS 504 /* at least, to either side */
#define WORD(words, number) (words)[(number) % (sizeof(words) / sizeof(*(words)))]

/* `size` is a multiple of the other two. */
struct plan {
	int64_t size;   /* events at any hour */
	int64_t births; /* and deaths, an hour */
	int64_t period; /* hours from one change of an event to its next */
};

/* By the last digit of the user's id: 1 to 5 have one each, 1 the largest. */
static const struct plan plans[] = {
	{.size = 2000, .births = 2, .period = 500},
	{.size = 800, .births = 1, .period = 400},
	{.size = 3500, .births = 2, .period = 700},
	{.size = 150, .births = 1, .period = 150},
	{.size = CALENDAR_GENERATED_MAX, .births = 4, .period = 1000},
};

static const char *const subjects[] = {"Stand-up", "Planning",      "Review", "Interview",
				       "Workshop", "Lunch",         "Call",   "Training",
				       "Demo",     "Retrospective", "Visit",  "Concert",
				       "Check-up", "Walk",          "Budget"};
static const char *const people[] = {"Ana",  "Bruno", "Chen",  "Dina", "Emre",  "Farah", "Goran",
				     "Hana", "Ines",  "Jonas", "Kofi", "Lucía", "Mira"};
static const char *const rooms[] = {"Room 1",    "Room 2",     "Room 3",       "Library",
				    "Main hall", "Video call", "Rooftop",      "Town office",
				    "Café",      "Studio",     "Meeting point"};
static const char *const notes[] = {
	"", "Bring the figures of last month.", "", "Agenda follows.", "Please be on time.",
	"", "Moved here from another day."};
static const int64_t quarters[] = {1, 2, 2, 3, 4, 4, 6, 8};

/* splitmix64 (Steele, Lea, Flood): neighbours get nothing alike. */
static uint64_t mix(uint64_t number)
{
	number += UINT64_C(0x9E3779B97F4A7C15);
	number = (number ^ (number >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94D049BB133111EB);
	return number ^ (number >> 31);
}

static uint64_t seed_of(struct span user)
{
	uint64_t seed = user.length;

	for (size_t i = 0; i < user.length; i++)
		seed = mix(seed ^ (unsigned char)user.bytes[i]);
	return seed;
}

static const struct plan *plan_of(struct span user)
{
	unsigned char last = user.length > 0 ? (unsigned char)user.bytes[user.length - 1] : '1';

	return &WORD(plans, last);
}

/* --- one event -------------------------------------------------------------------------------------- */

struct life {
	int64_t birth;     /* the hour it came */
	int64_t revision;  /* how often it changed since */
	int64_t changed;   /* the hour of the last change, or the birth */
	uint64_t features; /* drawn once */
};

static struct life life_of(const struct plan *plan, uint64_t seed, int64_t number, int64_t hour)
{
	int64_t turn = (number + plan->period / 2) % plan->period;
	struct life life = {.birth = (number - plan->size) / plan->births + 1};
	int64_t turns = (hour - turn) / plan->period;

	life.revision = turns - (life.birth - turn) / plan->period;
	life.changed = life.revision > 0 ? turn + turns * plan->period : life.birth;
	life.features = mix(seed ^ mix((uint64_t)number));
	return life;
}

static int64_t day_of(const struct plan *plan, const struct life *life)
{
	int64_t half = plan->size / plan->births / 2;
	int64_t spread = half > SPREAD_HOURS ? half : SPREAD_HOURS;
	int64_t hour = life->birth + half - spread +
		       (int64_t)(mix(life->features) % (uint64_t)(2 * spread));

	return hour / 24;
}

/* Half of the changes move it by half an hour. */
static int64_t quarter_of_day(const struct life *life)
{
	int64_t first = 4 * 8 + (int64_t)((life->features >> 8) % 40);

	return first + (life->features & 1 ? 2 * (life->revision % 8) : 0);
}

static void set_times(const struct plan *plan, const struct life *life, struct calendar_item *item)
{
	int64_t day_us = day_of(plan, life) * DAY_US;

	item->is_all_day = (life->features >> 16) % 12 == 0;
	if (item->is_all_day) {
		item->starts_us = day_us;
		item->ends_us = day_us + (int64_t)(1 + (life->features >> 24) % 3) * DAY_US;
		return;
	}
	item->starts_us = day_us + quarter_of_day(life) * QUARTER_US;
	item->ends_us = item->starts_us + WORD(quarters, life->features >> 24) * QUARTER_US;
}

static enum calendar_status status_of(uint64_t features)
{
	uint64_t draw = (features >> 32) % 40;

	return draw == 0 ? CALENDAR_CANCELLED : draw <= 3 ? CALENDAR_TENTATIVE : CALENDAR_CONFIRMED;
}

static void make(struct arena *arena, const struct plan *plan, const struct life *life,
		 int64_t number, struct calendar_item *item)
{
	uint64_t draw = mix(life->features + 1);

	item->id = span_of(arena_format(arena, "event-%012lld", (long long)number));
	item->series = item->id;
	item->title = span_of(
		arena_format(arena, "%s with %s", WORD(subjects, draw), WORD(people, draw >> 16)));
	item->location = span_of(WORD(rooms, (draw >> 32) % 1000 + (uint64_t)life->revision));
	item->description = span_of(WORD(notes, draw >> 48));
	item->status = status_of(life->features);
	item->updated_us = life->changed * HOUR_US;
	set_times(plan, life, item);
}

/* --- the door --------------------------------------------------------------------------------------- */

void calendar_generate(struct arena *arena, struct span user, int64_t hour,
		       struct calendar_items *items)
{
	const struct plan *plan = plan_of(user);
	uint64_t seed = seed_of(user);
	int64_t first;

	hour = hour < FIRST_HOUR ? FIRST_HOUR : hour > LAST_HOUR ? LAST_HOUR : hour;
	first = hour * plan->births;
	*items = (struct calendar_items){.count = (size_t)plan->size};
	items->all = arena_alloc(arena, items->count * sizeof(*items->all));
	for (int64_t i = 0; i < plan->size; i++) {
		struct life life = life_of(plan, seed, first + i, hour);

		make(arena, plan, &life, first + i, &items->all[i]);
	}
}
