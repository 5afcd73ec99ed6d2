/* What the parts of the tasks on the scheduler's thread share. */
#ifndef ALMANAC_TASKS_ROOM_H
#define ALMANAC_TASKS_ROOM_H

#include "almanac/tasks.h"
#include "writer.h"

struct tasks {
	struct tasks_options *options;
	struct workshop *workshop;
	struct job report_job;
	struct job purge_job;
	struct report_writer *writer;
	struct mailbox *mailbox;   /* where orders come back to */
	struct report_order order; /* the one that is under way, or was last */
	struct flow *waiter;       /* the run that waits for it; NULL: none any more */
};

extern const struct flow_step tasks_report_steps[]; /* tasks_report.c */
extern const struct flow_step tasks_purge_steps[];  /* tasks_purge.c */

/* An order has come back. */
void tasks_report_back(struct report_order *order);

#endif
