/* access.c - who may come in, and how often: tokens, rates, connections. Called by request.c, worker.c and
 * server.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "almanac/clock.h"
#include "almanac/container.h"

#define REALM "Bearer realm=\"almanac\""
#define RATE_TEXT_MAX 64

/* --- made from the settings ---------------------------------------------------------------------------- */

static void destroy(struct publication *counted)
{
	struct access *access = container_of(counted, struct access, counted);

	tokens_destroy(access->tokens);
	proxies_finish(&access->proxies);
	identity_destroy(access->identity);
	arena_destroy(access->arena);
	free(access);
}

/* What opens a route counts from when it is in force: some settings wait for a restart. */
static enum scope scope_of(const struct endpoint *endpoint, const struct settings *fresh,
			   const struct settings *started)
{
	return endpoint_scope(endpoint,
			      settings_is_reloadable(endpoint->opened_by) ? fresh : started);
}

static void note_scopes(struct access *access, const struct settings *fresh,
			const struct settings *started, const struct endpoint *const *routes)
{
	size_t count = 0;

	while (routes[count])
		count++;
	access->scopes = arena_alloc(access->arena, (count + 1) * sizeof(*access->scopes));
	for (size_t i = 0; i < count; i++)
		access->scopes[i] = scope_of(routes[i], fresh, started);
}

static bool read_tokens(struct access *access, const struct settings *settings,
			struct str *complaint)
{
	str_append_text(complaint, "API_TOKENS: ");
	access->tokens = tokens_create(settings_text(settings, SETTING_API_TOKENS), complaint);
	if (access->tokens)
		str_clear(complaint);
	return access->tokens != NULL;
}

static bool read_identity(struct access *access, const struct settings *settings,
			  struct str *complaint)
{
	const char *certificate = settings_text(settings, SETTING_TLS_CERT_FILE);
	const char *key = settings_text(settings, SETTING_TLS_KEY_FILE);

	if (!*certificate && !*key)
		return true;
	if (!*certificate || !*key) {
		str_format(complaint, "%s: must be set when %s is",
			   *key ? "TLS_CERT_FILE" : "TLS_KEY_FILE",
			   *key ? "TLS_KEY_FILE" : "TLS_CERT_FILE");
		return false;
	}
	access->identity = identity_create(certificate, key, complaint);
	return access->identity != NULL;
}

static bool read_all(struct access *access, const struct settings *settings, struct str *complaint)
{
	const char *origins =
		arena_text(access->arena, span_of(settings_text(settings, SETTING_CORS_ORIGINS)));

	return read_tokens(access, settings, complaint) &&
	       proxies_init(&access->proxies, settings_text(settings, SETTING_TRUSTED_PROXIES),
			    complaint) &&
	       rate_read(settings_text(settings, SETTING_RATE_LIMIT),
			 settings_number(settings, SETTING_RATE_LIMIT_BURST), &access->rate,
			 complaint) &&
	       cors_init(&access->cors, origins, complaint) &&
	       read_identity(access, settings, complaint);
}

struct access *access_create(const struct settings *settings, const struct settings *started,
			     const struct endpoint *const *routes, struct str *complaint)
{
	struct access *access = calloc(1, sizeof(*access));

	if (!access)
		abort();
	publication_init(&access->counted, destroy);
	access->arena = arena_create();
	if (!read_all(access, settings, complaint)) {
		access_drop(access);
		return NULL;
	}
	if (routes)
		note_scopes(access, settings, started, routes);
	access->connections_per_address =
		(size_t)settings_number(settings, SETTING_HTTP_CONNECTIONS_PER_ADDRESS);
	access->is_judging = access_has_tokens(access) || access->rate.quota > 0;
	return access;
}

struct access *access_hold(struct access *access)
{
	publication_hold(&access->counted);
	return access;
}

void access_drop(struct access *access)
{
	if (access)
		publication_drop(&access->counted);
}

bool access_has_tokens(const struct access *access)
{
	return tokens_count(access->tokens) > 0;
}

/* --- connections --------------------------------------------------------------------------------------- */

static bool find_address(struct connection *connection, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info && info->client_addr &&
	       address_of_socket(info->client_addr, &connection->address);
}

/* A proxy brings many clients. Those beyond the limit are told so; who comes with twice as many as are
 * allowed is not even told. */
void access_admit(struct connection *connection, struct MHD_Connection *mhd)
{
	struct worker *worker = connection->worker;
	const struct access *access = worker->access;
	struct limits *limits = worker->server->limits;
	size_t count;

	if (!find_address(connection, mhd))
		return;
	connection->key = limits_key_of_address(limits, &connection->address);
	connection->is_entered = true;
	count = limits_enter(limits, connection->key);
	if (access->connections_per_address == 0 || count <= access->connections_per_address ||
	    proxies_hold(&access->proxies, &connection->address))
		return;
	connection->refusal = PROBLEM_TOO_MANY_CONNECTIONS;
	if (count > 2 * access->connections_per_address)
		connection->deadline_us = 0;
}

void access_release(struct connection *connection)
{
	if (connection->is_entered)
		limits_leave(connection->worker->server->limits, connection->key);
}

/* --- whose request it is ------------------------------------------------------------------------------- */

static const struct address *find_client(struct request *request)
{
	struct address *client = arena_alloc(request->arena, sizeof(*client));

	*client = proxies_client(&request->worker->access->proxies, request->mhd,
				 &request->connection->address);
	return client;
}

/* For the log: whom to keep out. */
static void note_client(struct request *request)
{
	char *text = arena_alloc(request->arena, ADDRESS_TEXT_MAX);

	address_write(find_client(request), text);
	request->client = text;
}

/* The answer's last word; `challenge` is what stands behind the realm (RFC 6750 section 3). */
static void refuse(struct request *request, enum problem problem, const char *detail,
		   const char *challenge)
{
	request_complain(request, problem, detail, NULL);
	request->is_decided = true;
	reply_header(&request->reply, "WWW-Authenticate",
		     arena_format(request->arena, REALM "%s", challenge));
	note_client(request);
}

static bool has_token_in_query(const struct request *request)
{
	struct span rest = request->query, pair, name;

	while (span_split(&rest, '&', &pair))
		if (span_split(&pair, '=', &name) && span_is(name, "access_token"))
			return true;
	return false;
}

/* --- scopes -------------------------------------------------------------------------------------------- */

static void refuse_stranger(struct request *request, enum credentials credentials)
{
	if (has_token_in_query(request))
		refuse(request, PROBLEM_BAD_REQUEST,
		       "a token in the address is not taken, since addresses are kept in many "
		       "places: send it as Authorization: Bearer TOKEN",
		       ", error=\"invalid_request\"");
	else if (credentials == CREDENTIALS_MALFORMED)
		refuse(request, PROBLEM_BAD_REQUEST,
		       "the Authorization header must be Bearer and one token",
		       ", error=\"invalid_request\"");
	else if (credentials == CREDENTIALS_OTHER)
		refuse(request, PROBLEM_TOKEN_MISSING,
		       "send a token as Authorization: Bearer TOKEN", "");
	else
		refuse(request, PROBLEM_TOKEN_INVALID,
		       "the token is not one of those that are valid here",
		       ", error=\"invalid_token\"");
}

static void judge_scope(struct request *request, const struct token *token,
			enum credentials credentials)
{
	enum scope wanted = request->worker->access->scopes[request->route];

	if (wanted == SCOPE_OPEN)
		return;
	if (!token || has_token_in_query(request))
		refuse_stranger(request, credentials);
	else if (token->scope < wanted)
		refuse(request, PROBLEM_TOKEN_SCOPE,
		       arena_format(request->arena, "the token %s is good for %s; this takes %s",
				    token->name, scope_name(token->scope), scope_name(wanted)),
		       arena_format(request->arena, ", error=\"insufficient_scope\", scope=\"%s\"",
				    scope_name(wanted)));
}

static const struct token *find_token(struct request *request, enum credentials *credentials)
{
	struct worker *worker = request->worker;
	struct span text;

	*credentials = credentials_read(request_header(request, "Authorization"), &text);
	if (*credentials != CREDENTIALS_BEARER)
		return NULL;
	return tokens_find(worker->access->tokens, worker->digest, text);
}

/* --- rates --------------------------------------------------------------------------------------------- */

static void judge_rate(struct request *request, const struct token *token)
{
	struct worker *worker = request->worker;
	struct limits *limits = worker->server->limits;
	uint64_t key = token ? limits_key_of_name(limits, token->name)
			     : limits_key_of_address(limits, find_client(request));

	request->rate = limits_take(limits, &worker->access->rate, key, clock_steady_us());
	if (!request->rate.is_refused)
		return;
	request_complain(
		request, PROBLEM_RATE_LIMITED,
		arena_format(request->arena,
			     "%s may send %lld requests in %lld s: try again in %lld s",
			     token ? "a token" : "an address", (long long)request->rate.quota,
			     (long long)request->rate.window_s, (long long)request->rate.wait_s),
		NULL);
	request->is_decided = true;
	reply_header(&request->reply, "Retry-After",
		     arena_format(request->arena, "%lld", (long long)request->rate.wait_s));
	note_client(request);
}

/* Those that watch us are never kept out. */
static bool is_limited(const struct request *request)
{
	return request->worker->access->rate.quota > 0 &&
	       !(request->endpoint && request->endpoint->is_quiet);
}

void access_judge(struct request *request)
{
	const struct access *access = request->worker->access;
	enum credentials credentials = CREDENTIALS_OTHER;
	const struct token *token = NULL;

	if (!access->is_judging)
		return;
	if (access_has_tokens(access))
		token = find_token(request, &credentials);
	if (token)
		request->token = arena_text(request->arena, span_of(token->name));
	if (is_limited(request))
		judge_rate(request, token);
	if (!request->is_decided && access_has_tokens(access))
		judge_scope(request, token, credentials);
}

/* --- what answers tell --------------------------------------------------------------------------------- */

/* draft-ietf-httpapi-ratelimit-headers-10: q and w, a quota and its window in seconds; r and t, how many
 * are left and when all are there again. */
static void add_rate(const struct request *request, struct MHD_Response *response)
{
	const struct rate_verdict *rate = &request->rate;
	char policy[RATE_TEXT_MAX], state[RATE_TEXT_MAX];

	snprintf(policy, sizeof(policy), "\"default\";q=%lld;w=%lld", (long long)rate->quota,
		 (long long)rate->window_s);
	snprintf(state, sizeof(state), "\"default\";r=%lld;t=%lld", (long long)rate->remaining,
		 (long long)rate->reset_s);
	if (MHD_add_response_header(response, "RateLimit-Policy", policy) != MHD_YES ||
	    MHD_add_response_header(response, "RateLimit", state) != MHD_YES)
		abort();
}

void access_add_headers(const struct request *request, struct MHD_Response *response)
{
	if (request->rate.is_counted)
		add_rate(request, response);
	cors_add_headers(request, response);
}
