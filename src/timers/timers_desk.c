/* timers_desk.c - workers tell the engine of timers that it must know of before it reads the table
 * again; called by the endpoints on workers' threads, opened on the scheduler's. */
#include <stdlib.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/mailbox.h"
#include "engine.h"

struct note {
	struct letter letter;
	struct timers_desk *desk;
	struct timer_news news;
	char destination[];
};

void timers_desk_init(struct timers_desk *desk)
{
	desk->desk.name = "timers";
	atomic_init(&desk->mailbox, NULL);
	atomic_init(&desk->engine, NULL);
	atomic_init(&desk->owned, 0);
	atomic_init(&desk->horizon_us, INT64_MAX);
}

int timers_desk_shard(struct timers_desk *desk, uint64_t dice)
{
	uint64_t owned = atomic_load(&desk->owned);
	int wanted;

	if (!owned)
		return (int)(dice % TIMER_SHARDS);
	for (wanted = (int)(dice % (uint64_t)__builtin_popcountll(owned)); wanted > 0; wanted--)
		owned &= owned - 1;
	return __builtin_ctzll(owned);
}

/* The engine may have closed meanwhile: the table keeps the timer. */
static void open_note(struct letter *letter)
{
	struct note *note = container_of(letter, struct note, letter);
	struct timers *timers = atomic_load(&note->desk->engine);

	if (timers) {
		timers_expect(timers, &note->news);
		timers_turn(timers);
	}
	free(note);
}

/*
 * What is due behind the horizon will be read in time. While the engine reads, the horizon is
 * beyond all times: a timer committed meanwhile may not be in what it reads.
 */
void timers_desk_tell(struct timers_desk *desk, const struct timer_news *news)
{
	struct mailbox *mailbox = atomic_load(&desk->mailbox);
	struct note *note;

	if (!mailbox)
		return;
	if (news->next_us >= atomic_load(&desk->horizon_us) &&
	    (atomic_load(&desk->owned) >> news->shard & 1))
		return;
	note = malloc(sizeof(*note) + news->destination.length);
	if (!note)
		abort();
	memcpy(note->destination, news->destination.bytes, news->destination.length);
	note->letter.open = open_note;
	note->desk = desk;
	note->news = *news;
	note->news.destination = (struct span){note->destination, news->destination.length};
	mailbox_post(mailbox, &note->letter);
}
