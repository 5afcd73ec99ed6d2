/* errand.c - requests that wait for another thread of the house; called by rooms in `defers`, by worker.c when
 * its patience with what is open is over. */
#include "almanac/errand.h"

#include "almanac/container.h"
#include "http.h"

static void enlist(struct worker *worker, struct errand *errand)
{
	errand->before = NULL;
	errand->after = worker->errands;
	if (errand->after)
		errand->after->before = errand;
	worker->errands = errand;
}

static void strike(struct worker *worker, struct errand *errand)
{
	if (errand->before)
		errand->before->after = errand->after;
	else
		worker->errands = errand->after;
	if (errand->after)
		errand->after->before = errand->before;
}

/* Its request is answered and no longer its own. */
static void let_go(struct errand *errand)
{
	struct request *request = errand->request;

	strike(request->worker, errand);
	errand->request = NULL;
	request->errand = NULL;
	asking_resume(request);
}

static void came_home(struct letter *letter)
{
	struct errand *errand = container_of(letter, struct errand, letter);

	if (errand->request) {
		errand->says(errand, errand->request, &errand->request->reply);
		let_go(errand);
	}
	errand->release(errand);
}

void errand_send(struct request *request, struct errand *errand, struct mailbox *mailbox)
{
	errand->home = request->worker->mailbox;
	errand->request = request;
	request->errand = errand;
	enlist(request->worker, errand);
	mailbox_post(mailbox, &errand->letter);
}

void errand_return(struct errand *errand)
{
	errand->letter.open = came_home;
	mailbox_post(errand->home, &errand->letter);
}

void errands_forget(struct worker *worker)
{
	struct errand *errand = worker->errands;

	while (errand) {
		struct errand *after = errand->after;

		request_complain(errand->request, PROBLEM_SHUTTING_DOWN, NULL, NULL);
		let_go(errand);
		errand = after;
	}
}
