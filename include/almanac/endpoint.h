/*
 * An endpoint is a record; http/ walks every request through it:
 *
 *   receive → match → read fields → check → answer at once, or suspend → ask → resume → say → send
 *
 * A room fills in the blanks with tables and pure functions. Everything a function gets lives in
 * the request's arena or is borrowed for the call; nothing here blocks.
 */
#ifndef ALMANAC_ENDPOINT_H
#define ALMANAC_ENDPOINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/db.h"
#include "almanac/desk.h"
#include "almanac/fields.h"
#include "almanac/metrics.h"
#include "almanac/problems.h"
#include "almanac/publication.h"
#include "almanac/reply.h"
#include "almanac/settings.h"
#include "almanac/statements.h"

struct request; /* http's own; reached through the functions below */

/* For readiness. beat_us: when the scheduler last went round, steady clock. */
struct heartbeat {
	_Atomic int64_t beat_us;
	_Atomic bool are_reports_stuck; /* report files that are due cannot be written */
	_Atomic bool is_draining;       /* told to stop: no more requests, please */
};

#define ENDPOINT_FIELDS_MAX 24
#define REQUEST_VALUES_MAX 24

/* What is wrong, for a dialect to put into words. */
struct complaint {
	enum problem problem;
	const char *detail;                /* NULL: the problem's title says it all */
	const struct field_faults *faults; /* NULL or the faulty fields */
};

/* One word of a command's `outcome` column and what it means. The list ends with a zeroed row. */
struct outcome {
	const char *word;
	int status; /* with problem == PROBLEM_NONE */
	enum problem problem;
};

/* The statement to ask and its parameters; filled by default from the fields in order. */
struct asking {
	enum sql statement;
	struct db_value values[REQUEST_VALUES_MAX];
	size_t value_count;
};

/* Who reads the body. */
enum endpoint_body {
	BODY_FIELDS, /* http: a JSON object, by the table; nobody, when the table has no body fields */
	BODY_RAW,    /* the room, by request_body(): any bytes of any Content-Type */
};

/* What a token must be good for (API_TOKENS): each scope includes those before it. */
enum scope {
	SCOPE_BY_METHOD, /* unless said otherwise: read for GET, write for all others */
	SCOPE_OPEN,      /* no token is asked for */
	SCOPE_READ,
	SCOPE_WRITE,
	SCOPE_ADMIN,
};

/*
 * An answer that the rest of the record does not imply. With a problem: it is told with this status (0:
 * its own), and no other than those of its rows. Without: JSON of that schema. The list ends with a zeroed
 * row.
 */
struct other_answer {
	int status;
	enum problem problem;
	const char *description; /* without a problem */
	const char *schema;      /* likewise */
};

/* A group of endpoints in the documents. */
struct tag {
	const char *name;
	const char *description;
};

struct endpoint {
	const char *name;   /* operation id, unique: "catalog_search" */
	const char *method; /* GET, POST, PATCH, PUT, DELETE; HEAD and OPTIONS come by themselves */
	const char *path;   /* "/api/v1/providers/{id}"; segments in braces are path fields.
				    A trailing slash counts: "/search" and "/search/" differ. */
	const char *tag;    /* the group in the documents: "catalog", "health" */
	const char *summary;
	const char *description;
	const struct field *reads; /* NULL: none */
	enum endpoint_body body;

	/* Rules across fields: adds faults (fields_fault) or returns a problem. May be NULL. Called
	 * when all fields are good; with `checks_always` also when `faults` has some already, whose
	 * values count as not given. */
	enum problem (*check)(struct request *request, struct field_faults *faults);
	bool checks_always;

	/* Answers at once, without the database: true when `reply` is complete. May be NULL. */
	bool (*answers)(struct request *request, struct reply *reply);

	/* The statement, when `has_statement`; `prepares` may choose another and set the values. */
	bool has_statement;
	enum sql asks;
	void (*prepares)(struct request *request, struct asking *asking);

	/* After the rows and before `says`: true when the answer needs another thread of the house, where an
	 * errand was sent (errand.h). May be NULL. */
	bool (*defers)(struct request *request, const struct db_rows *rows);

	/* Puts rows into words: say_row, say_rows, or the room's own. */
	void (*says)(struct request *request, const struct db_rows *rows, struct reply *reply);
	const struct outcome *outcomes; /* for commands: the first row's `outcome` */
	enum problem empty;             /* when no row came; PROBLEM_NONE: say it nevertheless */
	int status;                     /* of a good answer; 0: 200 */

	/* Errors in another shape than problem+json. Sets body and content type; the status stands
	 * in reply->status already and may be changed. */
	void (*complains)(struct request *request, const struct complaint *complaint,
			  struct reply *reply);

	/* The answer depends on the fields and the edition (server.h) alone: it may come from the
	 * cache, and carries ETag, Last-Modified and the age header. `answers` ones carry them too. */
	bool is_of_edition;

	/* A list or a search: it may be answered by a replica (READ_DATABASE_URL), which is a moment behind.
	 * Not for what a client looks up right after it has changed it. */
	bool may_lag;

	/* A strong ETag made from the body's bytes, for other GETs that are worth revalidating. */
	bool has_etag;

	/* Answers at once with text from inside (health, metrics): not logged above debug. */
	bool is_quiet;

	enum scope scope;
	/* Open all the same when this setting is on: a flag that is 1, or a text that is not empty. 0: none
	 * (SETTING_HTTP_ADDRESS opens nothing). */
	enum setting opened_by;

	size_t max_body; /* 0: 1 MiB when the body is read, else 64 KiB, which is ignored */

	/* For the documents, and `answer_type` for the answer too. Schemas are JSON Schema texts (2020-12);
	 * an object that begins with {"title":"Timer", is told once, in #/components/schemas/Timer. */
	const char *answer_schema;    /* of a good answer's body; NULL: text, or none (204) */
	const char *answer_type;      /* its content type, constant; NULL: application/json */
	const char *other_type;       /* another one that `Accept` may choose; told as text */
	const char *const *headers;   /* of a good answer, beside those implied: "Location" … */
	const char *body_schema;      /* of a BODY_RAW body */
	const char *other_body_type;  /* what it may be besides application/json; told as text */
	const char *body_example;     /* JSON; NULL: the examples of the body's fields together */
	const char *complaint_schema; /* of what `complains` writes, as application/json */
	const struct other_answer *others; /* NULL: none */
};

/* What is really asked for: never SCOPE_BY_METHOD. With NULL for settings: when none of them opens it. */
enum scope endpoint_scope(const struct endpoint *endpoint, const struct settings *settings);

/* "open", "read", "write", "admin". */
const char *scope_name(enum scope scope);

/* --- what a room may ask of a request ----------------------------------------------------------- */

struct arena *request_arena(struct request *request);

/* The value of the table's row `place`. */
const struct field_value *request_value(const struct request *request, size_t place);

/* The same as a parameter; NULL when it was not given. */
struct db_value request_given(const struct request *request, size_t place);

const struct endpoint *request_endpoint(const struct request *request);
const struct settings *request_settings(const struct request *request);

/* The publication this worker holds now (NULL before the first). Valid during the call. */
const struct publication *request_publication(const struct request *request);

struct metrics *request_metrics(const struct request *request);
const struct heartbeat *request_heartbeat(const struct request *request);
const char *request_version(const struct request *request); /* of this almanac: "0.1.0" */

/* For the documents: all records (NULL-terminated), and their description (openapi.h), finished. */
const struct endpoint *const *request_routes(const struct request *request);
const struct asset *request_openapi(const struct request *request);

/* Whether this worker's database connections stand. */
bool request_has_database(const struct request *request);

/* The raw path and query as sent, percent-encoded, for links: "/search?a=b". */
struct span request_target(const struct request *request);

/* The request's id, as the client gave it or made here: printable, without spaces. */
const char *request_id(const struct request *request);

/* The request's traceparent (W3C Trace Context), as the client gave it or made here. */
const char *request_trace(struct request *request);

/* How much a media type is wanted, in thousandths; 0 unless `Accept` names it as it is. */
int request_weight_of(const struct request *request, const char *type);

/* A header of the request by its name in any case; the empty span when it is not there (with `bytes`
 * not NULL when it is there, but empty). */
struct span request_header(const struct request *request, const char *name);

/* The body as it came. */
struct span request_body(const struct request *request);

/* Whether Content-Type is this one, whatever its parameters and capitals; "application/json" also
 * stands for all that end in "+json". */
bool request_is_of(const struct request *request, const char *type);

/* Something of the room's own, in the request's arena, from one of its functions to the next; NULL
 * before. */
void request_keep(struct request *request, void *notes);
void *request_kept(const struct request *request);

/* Where this room's half on the scheduler's thread is met (desk.h); NULL when there is none. */
struct desk *request_desk(const struct request *request, const char *room);

/* --- shared renderers ----------------------------------------------------------------------------- */

/* The first row as an object. A column `_location` becomes the Location header. */
void say_row(struct request *request, const struct db_rows *rows, struct reply *reply);

/* All rows as {"data":[…],"next":cursor|null}: the last row's `_cursor` column, when it is not
 * NULL, is the cursor of the next page, and gives `Link: <…>; rel="next"` as well. */
void say_rows(struct request *request, const struct db_rows *rows, struct reply *reply);

/* 204 without a body. */
void say_nothing(struct request *request, const struct db_rows *rows, struct reply *reply);

/* The request's own target with the query parameter `name` set to `value`: for next links. */
const char *link_with(struct request *request, const char *name, const char *value);

/* RFC 8288: adds Link: <target>; rel="next". */
void reply_link_next(struct request *request, struct reply *reply, const char *target);

/* A complaint in the standard shape (problem+json), for dialects that fall back on it. */
void complain_problem(struct request *request, const struct complaint *complaint,
		      struct reply *reply);

#endif
