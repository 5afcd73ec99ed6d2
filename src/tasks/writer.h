/*
 * The reports' own thread: a loop with a database connection of its own, where files may be waited for.
 * It gets orders by letter and sends them back by letter; nothing else is shared with it but what does not
 * change (settings) and metrics.
 */
#ifndef ALMANAC_TASKS_WRITER_H
#define ALMANAC_TASKS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/mailbox.h"
#include "almanac/metrics.h"
#include "almanac/settings.h"

struct report_writer;

/* "Write the reports that are due." Embedded in its sender, who does not touch it while it is away. */
struct report_order {
	struct letter letter;
	struct mailbox *mailbox; /* where it comes back to */
	void (*back)(struct report_order *order);
	struct report_writer *writer; /* the writer's from here on */
	bool is_away;                 /* the sender's */
	int64_t next_in_us;           /* the answer: when to send the next one */
};

struct report_writer_options {
	const struct settings *settings;
	struct metrics *metrics;
	_Atomic bool *are_stuck; /* set while files that are due cannot be written */
};

struct report_writer *report_writer_start(const struct report_writer_options *options);

/* The order comes back when all that is due is written, or it cannot go on. */
void report_writer_send(struct report_writer *writer, struct report_order *order);

/* The period under way is given up, to be taken up again by whoever comes next. */
void report_writer_stop(struct report_writer *writer);

/* Ends the thread and frees all; orders that are away come back first. */
void report_writer_destroy(struct report_writer *writer);

#endif
