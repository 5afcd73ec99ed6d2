/*
 * What the files of http/ share.
 *
 *   server.c    threads, listening sockets, start and stop
 *   worker.c    one worker: its loop, its libmicrohttpd daemon, its connections and their deadlines
 *   request.c   a request from birth to its answer
 *   intake.c    the raw request: malformed ones are refused here
 *   identify.c  its id and its trace
 *   router.c    which endpoint
 *   scope.c     what it asks of a token
 *   access.c    who may come in, and how often; see access.h
 *   reading.c   its fields
 *   asking.c    the question to the database, and its answer
 *   replica.c   questions that may go to READ_DATABASE_URL
 *   errand.c    waiting for another thread of the house
 *   accept.c    which media type the client would like
 *   send.c      the answer's headers, ETag, gzip, ?pretty
 *   asset.c     finished bytes, compressed once
 *   cache.c     finished answers, one question asked once
 *   say.c       shared renderers
 *   complain.c  problems in words
 *   paging.c    cursors of lists
 *   openapi*.c  the description of all endpoints: see openapi.h
 *   publication.c  counted pointers
 */
#ifndef ALMANAC_HTTP_HTTP_H
#define ALMANAC_HTTP_HTTP_H

#include <microhttpd.h>
#include <pthread.h>
#include <zlib.h>

#include "almanac/endpoint.h"
#include "almanac/loop.h"
#include "almanac/mailbox.h"
#include "almanac/network.h"
#include "almanac/server.h"
#include "almanac/str.h"

#define PATH_FIELDS_MAX 4
#define QUERY_FIELDS_MAX 64
#define REQUEST_ID_MAX 64
#define TRACE_LENGTH 55
#define STATUS_CLASSES 5
#define DEFAULT_MAX_BODY ((size_t)1 << 20)
#define IGNORED_MAX_BODY ((size_t)64 << 10)
#define SWALLOW_FACTOR 8

/* Of a head. It shares libmicrohttpd's memory of a connection (16 KiB) with the answer's. */
#define HEAD_MAX_BYTES ((size_t)11 << 10)

#define GZIP_LEAST_BYTES 1024

/* --- a connection, as we keep it beside libmicrohttpd's ------------------------------------------------ */

struct connection {
	struct worker *worker;
	struct connection *before, *after;
	int fd;
	enum problem refusal; /* there are too many: this is told, and the connection closed */
	int64_t deadline_us;  /* INT64_MAX: the next move is ours */
	struct address address;
	uint64_t key;          /* under which its address is counted (access.h) */
	bool is_entered;       /* it is */
	struct access *access; /* whose certificate it shows; NULL without TLS */
};

/* --- metrics of one route ------------------------------------------------------------------------------ */

struct route_metrics {
	struct metric *requests[STATUS_CLASSES];
	struct metric *seconds;
};

/* --- finished bytes ------------------------------------------------------------------------------------ */

/* An asset made at the start, and what it is made of. */
struct made_asset {
	struct asset asset;
	struct str plain, gzip;
	char tag[17];
};

/* asset.c: takes the text. */
void asset_make(struct made_asset *made, struct str *text);
void asset_finish(struct made_asset *made);
/* The plain bytes of one that is kept compressed only. */
void asset_inflate(const struct asset *asset, struct str *out);

/* --- a worker ------------------------------------------------------------------------------------------ */

struct worker {
	struct server *server;
	int index;
	pthread_t thread;
	bool is_started;
	struct loop *loop;
	struct mailbox *mailbox;
	struct MHD_Daemon *daemon;
	struct loop_watch watch; /* libmicrohttpd's epoll */
	struct loop_hook hook;
	struct loop_timer sweep;
	_Atomic int64_t beat_us; /* when it last swept, for others */
	bool has_resumed;
	bool is_at_limit;     /* libmicrohttpd takes no connection, for want of a file */
	bool is_out_of_files; /* since the last sweep */
	struct db *read, *write;
	struct replica *replica; /* NULL: none */
	char read_label[32], write_label[32];
	struct cache *cache;
	struct publication *publication;
	struct access *access;
	struct digest *digest; /* of tokens */
	struct connection *connections;
	struct errand *errands; /* that are away for a request here */
	size_t connection_count, connection_limit, connection_spare;
	size_t open_requests;
	z_stream deflater;
	uint64_t dice;
	struct str log_lines; /* of the requests that ended in this turn */
	bool is_stopping;
	struct letter stop;
	struct loop_timer drain;
	int64_t deadline_us;
};

struct server {
	struct server_options options;
	struct worker *workers;
	int worker_count;
	int worker_started;
	int port;
	struct made_asset openapi;
	size_t connection_limit, connection_spare; /* of each worker */
	size_t route_count;
	struct route_metrics *route_metrics; /* one more: unknown routes */
	struct access *access;               /* what the workers began with, or got last */
	struct limits *limits;
	struct metric *connections, *refused_connections, *cache_hits, *cache_misses;
};

/* What came of counting a request by its token or address. */
struct rate_verdict {
	bool is_counted, is_refused;
	int64_t quota, window_s;
	int64_t remaining; /* that may come now */
	int64_t reset_s;   /* until as many as ever may come */
	int64_t wait_s;    /* refused: until one may come */
};

/* --- a request ----------------------------------------------------------------------------------------- */

enum phase { PHASE_BORN, PHASE_RECEIVING, PHASE_WAITING, PHASE_ANSWERED, PHASE_SENT };

enum made_from { MADE_PLAIN, MADE_FROM_MEMORY, MADE_FROM_SQL };

struct request {
	struct arena *arena;
	struct worker *worker;
	struct MHD_Connection *mhd;
	struct connection *connection;
	enum phase phase;
	int64_t began_us;
	char id[REQUEST_ID_MAX + 1];
	char trace[TRACE_LENGTH + 1]; /* a traceparent: as it came, or made when it is asked for */

	/* as it came */
	const char *raw_target;  /* in libmicrohttpd's buffer: where it stands, see intake.c */
	struct span target;      /* path and query, percent-encoded */
	struct span path, query; /* of target */
	const char *method;
	struct str body;
	size_t max_body;
	size_t swallowed; /* body bytes that nobody wants */
	bool is_too_large;
	bool is_decided; /* the answer stands before the body is there */

	/* what was found */
	const struct endpoint *endpoint;
	size_t route;
	struct field_pair path_pairs[PATH_FIELDS_MAX];
	size_t path_count;
	struct field_value values[ENDPOINT_FIELDS_MAX];
	void *kept;         /* the room's */
	const char *token;  /* whose it is; NULL: nobody's */
	const char *client; /* of one that was refused: its address */
	struct rate_verdict rate;

	/* the question */
	struct asking asking;
	struct question question;
	bool is_from_replica;      /* whom it was asked */
	int64_t edition;           /* when it was asked */
	struct cache_entry *entry; /* that this answer will fill, or was taken from */
	struct request *next_waiter;
	int64_t queue_us, db_us; /* before and after it left for the database */
	int64_t rows;
	struct errand *errand; /* that it waits for */

	/* the answer */
	struct reply reply;
	enum made_from made_from;
	bool must_close;
};

/* request.c */
struct request *request_create(struct worker *worker, struct MHD_Connection *mhd, const char *uri);
void request_destroy(struct request *request);
enum MHD_Result request_handle(struct request *request, const char *method, const char *version,
			       const char *bytes, size_t *length);
/* Sets the answer to a complaint in the endpoint's dialect. */
void request_complain(struct request *request, enum problem problem, const char *detail,
		      const struct field_faults *faults);

/* From now on the client has HTTP_REQUEST_TIMEOUT_SECONDS for its next move. */
void request_expect(struct request *request);

/* reading.c: fills request->values; false when something is wrong, and the answer says what. */
bool reading_take(struct request *request);
bool reading_has_body(const struct endpoint *endpoint);

/* asking.c: the answer stands, or the request waits (PHASE_WAITING) until it is resumed. */
void asking_begin(struct request *request);
/* Its answer stands: it goes out in this turn. */
void asking_resume(struct request *request);

/* errand.c: all that wait for one are answered 503. */
void errands_forget(struct worker *worker);

/* replica.c: a worker's; NULL when there is none. */
struct replica *replica_open(struct worker *worker);
void replica_close(struct replica *replica); /* NULL is fine */
/* Who may answer this request's question instead of the primary; NULL: nobody. */
struct db *replica_for(const struct request *request);
/* It was asked, and did not answer. */
void replica_note_failure(const struct request *request);

/* intake.c: why the raw request is refused; NULL when it is well-formed. On its first call only. */
const char *intake_judge(struct request *request, const char *method, const char *version);
/* Bytes from the method to the empty line; likewise. */
size_t intake_head_bytes(const struct request *request, const char *method);
/* Takes path and query out of the target. */
void intake_split(struct request *request);

/* identify.c: reads the request's id, or makes one, and its trace. */
void identify_take(struct request *request);
/* Makes an id. */
void identify_make(struct request *request);

/* router.c: the verdict on a path and method. */
enum route_verdict { ROUTE_FOUND, ROUTE_OPTIONS, ROUTE_WRONG_METHOD, ROUTE_UNKNOWN };
enum route_verdict router_match(const struct endpoint *const *routes, struct span path,
				const char *method, size_t *route, struct field_pair *pairs,
				size_t *pair_count, struct str *allow);

/* send.c */
enum MHD_Result send_reply(struct request *request);
bool send_accepts_gzip(struct span header);
bool send_wants_pretty(struct span query);
bool send_has_etag(struct span header, struct span etag);
uint64_t send_hash(struct span bytes);

/* complain.c */
void complain_unknown_route(struct request *request);

/* --- the cache of answers: one worker's ------------------------------------------------------------------ */

struct cache_entry {
	struct cache_entry *next_in_bucket;
	struct cache_entry *newer, *older;
	char *key;
	size_t key_length;
	uint64_t hash;
	int holders;
	bool is_filled;
	bool is_listed; /* found by its key */
	int64_t edition;
	int64_t expires_us;
	int status;
	struct str body, gzip;
	struct reply_header headers[REPLY_HEADERS_MAX]; /* values are owned */
	size_t header_count;
	const char *content_type;
	uint64_t body_hash;
	struct request *waiters; /* while it is asked for; the leader is not among them */
};

struct cache;

struct cache *cache_create(size_t max_bytes, int64_t ttl_us);
void cache_destroy(struct cache *cache);

/* The entry for this key and edition: filled, or being asked for; NULL when there is none. */
struct cache_entry *cache_find(struct cache *cache, struct span key, int64_t edition,
			       int64_t now_us);

/* A new entry that somebody begins to ask for; it replaces what stood there. Held by the caller. */
struct cache_entry *cache_begin(struct cache *cache, struct span key, int64_t edition);

/* Fills it from a reply (whose body it takes) and lists it among the newest. */
void cache_fill(struct cache *cache, struct cache_entry *entry, struct reply *reply,
		int64_t now_us);

/* It could not be filled: nobody will find it. */
void cache_give_up(struct cache *cache, struct cache_entry *entry);
void cache_hold(struct cache_entry *entry);
void cache_drop(struct cache_entry *entry);

/* The finished bytes changed size (a gzip variant was made). */
void cache_weigh(struct cache *cache, struct cache_entry *entry, size_t more);

/* worker.c */
/* A connection with the patience of requests. */
struct db *worker_open_db(struct worker *worker, const char *conninfo, bool is_read_only,
			  const char *label);
/* Opens and starts the thread. Takes the listener, also when it fails. */
bool worker_start(struct worker *worker, struct server *server, int index, int listener,
		  struct str *complaint);
/* Waits for the thread's end; fine when it was never started. */
void worker_join(struct worker *worker);
void worker_finish(struct worker *worker);
void worker_publish(struct worker *worker, struct publication *publication);
/* From its next turn on the worker goes by this. */
void worker_guard(struct worker *worker, struct access *access);
int64_t worker_patience_us(const struct worker *worker);
/* Begins to drain: see server_stop. */
void worker_stop(struct worker *worker, int64_t deadline_us);
/* gzip (RFC 1952); false when it does not make the bytes fewer. */
bool worker_compress(struct worker *worker, struct span bytes, struct str *out);

#endif
