/* fuzz_recurrence.c - a walk rises, keeps to its limits, and a window shows what the whole shows */
#include <assert.h>
#include <string.h>

#include "almanac/recurrence.h"

#define DAY_S INT64_C(86400)
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)
#define FOUND_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t second_within(const uint8_t *data)
{
	uint64_t number;

	memcpy(&number, data, sizeof(number));
	return FIRST_S + (int64_t)(number % (uint64_t)(LAST_S - FIRST_S + 1));
}

static size_t walk_all(const struct rule *rule, int64_t start_s, bool is_all_day, int64_t from_s,
		       int64_t *found, bool *is_whole)
{
	struct rule_walk walk;
	size_t count = 0;

	rule_walk_begin(&walk, rule, start_s, is_all_day, from_s, LAST_S);
	while (count < FOUND_MAX && rule_walk_next(&walk, &found[count])) {
		assert(found[count] >= start_s && found[count] >= from_s && found[count] <= LAST_S);
		assert(count == 0 || found[count] > found[count - 1]);
		assert(!is_all_day || found[count] % DAY_S == 0);
		count++;
	}
	assert(walk.steps <= RULE_STEPS_MAX + 1000);
	assert(rule->count == 0 || (int64_t)count <= rule->count);
	*is_whole = !walk.is_truncated;
	return count;
}

/* From the middle of what was found on, the same comes again. */
static void check_window(const struct rule *rule, int64_t start_s, bool is_all_day,
			 const int64_t *found, size_t count)
{
	int64_t again[FOUND_MAX];
	size_t middle = count / 2;
	bool is_whole;
	size_t number = walk_all(rule, start_s, is_all_day, found[middle], again, &is_whole);

	if (!is_whole)
		return;
	assert(number >= count - middle);
	assert(memcmp(again, found + middle, (count - middle) * sizeof(*found)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule rule;
	const char *complaint;
	int64_t found[FOUND_MAX];
	int64_t start_s;
	bool is_all_day, is_whole;
	size_t count;

	if (size < 9)
		return 0;
	is_all_day = data[8] & 1;
	start_s = second_within(data);
	if (!rule_read((struct span){(const char *)data + 9, size - 9}, &rule, &complaint)) {
		assert(complaint);
		return 0;
	}
	if (is_all_day)
		start_s -= ((start_s % DAY_S) + DAY_S) % DAY_S;
	if (is_all_day && rule.frequency < RULE_DAILY)
		return 0;
	count = walk_all(&rule, start_s, is_all_day, FIRST_S, found, &is_whole);
	if (count > 0)
		assert(found[0] == start_s);
	if (count > 0 && is_whole)
		check_window(&rule, start_s, is_all_day, found, count);
	return 0;
}
