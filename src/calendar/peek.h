/*
 * Sources read for a request, with nothing stored: of users who were never synced. An errand goes by the
 * scheduler's mailbox to the office and comes back with the finished body. Those who ask for the same source
 * while it is read get the same reading.
 */
#ifndef ALMANAC_CALENDAR_PEEK_H
#define ALMANAC_CALENDAR_PEEK_H

#include "almanac/calendar.h"
#include "almanac/errand.h"
#include "item.h"

struct office;

struct peek_errand {
	struct errand errand;
	struct calendar_desk *desk;
	struct item_page page;
	struct arena *arena;
	/* what is read; copies */
	const char *kind, *user, *url, *timezone, *request_id, *traceparent;

	/* the answer */
	enum problem problem; /* PROBLEM_NONE: the body stands */
	struct str body;      /* or the reason */

	struct office *office;    /* which has it */
	struct peek_errand *next; /* the office's */
};

/* Fill the page and `errand.says`, then errand_send() it to the desk's mailbox. */
struct peek_errand *peek_errand_create(struct calendar_desk *desk);
const char *peek_keep(struct peek_errand *errand, struct span text);

/* On the scheduler's thread: where the office of a calendar is. */
struct office *calendar_office(struct calendar *calendar);

#endif
