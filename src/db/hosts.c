/* hosts.c - of the servers that a conninfo names, the one whose turn it is. Called by connect.c.
 *
 * libpq goes through them by itself, but when one hangs, whoever polls it has to give up all of them: so
 * each gets a connection attempt, and a deadline, of its own. The same goes for the addresses of a name. */
#include "hosts.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_BYTES 128
#define ADDRESSES_MAX 16

#define WANTS_PRIMARY "primary"
#define WANTS_STANDBY_FIRST "prefer-standby"
#define STANDBY_PASSES 2

/* --- reading ------------------------------------------------------------------------------------------ */

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	const PQconninfoOption *option = options;

	while (option && option->keyword && strcmp(option->keyword, keyword) != 0)
		option++;
	return option && option->val && *option->val ? option->val : NULL;
}

static size_t count_elements(const char *list)
{
	size_t count = list != NULL;

	for (; list && *list; list++)
		count += *list == ',';
	return count;
}

/* NULL when it is empty. */
static const char *element(struct arena *arena, const char *list, size_t place)
{
	struct span rest = span_of(list), part = {0};

	for (size_t i = 0; i <= place; i++)
		if (!span_split(&rest, ',', &part))
			return NULL;
	return part.length ? arena_text(arena, part) : NULL;
}

static void release(void *options)
{
	PQconninfoFree(options);
}

static PQconninfoOption *keep(struct hosts *hosts, PQconninfoOption *options)
{
	if (options)
		arena_defer(hosts->arena, release, options);
	return options;
}

/* What is said of servers comes from the conninfo, or else from PGHOST and the like. */
static void read_lists(struct hosts *hosts)
{
	const PQconninfoOption *defaults = keep(hosts, PQconndefaults());
	bool is_named = value_of(hosts->given, "host") || value_of(hosts->given, "hostaddr");
	const PQconninfoOption *source = is_named ? hosts->given : defaults;
	const char *ports = value_of(hosts->given, "port");

	hosts->names = value_of(source, "host");
	hosts->addresses = value_of(source, "hostaddr");
	hosts->ports = ports ? ports : value_of(defaults, "port");
	hosts->wants = value_of(hosts->given, "target_session_attrs");
	hosts->default_wants = value_of(defaults, "target_session_attrs");
}

/* Of several servers, when nobody said which, it matters to us. "any" is libpq's own default. */
static void decide_wants(struct hosts *hosts, bool is_replica)
{
	bool is_said = hosts->default_wants && strcmp(hosts->default_wants, "any") != 0;

	if (hosts->wants)
		return;
	if (is_said)
		hosts->wants = hosts->default_wants;
	else if (hosts->count > 1)
		hosts->wants = is_replica ? WANTS_STANDBY_FIRST : WANTS_PRIMARY;
}

/* As libpq has it: as many names as addresses, when both are there; one port, or one each. */
static bool do_lists_agree(const struct hosts *hosts)
{
	size_t names = count_elements(hosts->names);
	size_t addresses = count_elements(hosts->addresses);
	size_t ports = count_elements(hosts->ports);

	return (names == 0 || addresses == 0 || names == addresses) &&
	       (ports <= 1 || ports == hosts->count);
}

/* What cannot be taken apart here, libpq will say, or find in the service's file. */
void hosts_init(struct hosts *hosts, const char *conninfo, bool is_replica)
{
	*hosts = (struct hosts){.arena = arena_create(), .count = 1};
	hosts->given = keep(hosts, PQconninfoParse(conninfo, NULL));
	if (!hosts->given || value_of(hosts->given, "service"))
		return;
	read_lists(hosts);
	hosts->count = count_elements(hosts->addresses ? hosts->addresses : hosts->names);
	if (hosts->count == 0)
		hosts->count = 1;
	hosts->is_apart = do_lists_agree(hosts);
	if (!hosts->is_apart)
		hosts->count = 1;
	decide_wants(hosts, is_replica);
}

void hosts_finish(struct hosts *hosts)
{
	arena_destroy(hosts->arena);
}

/* --- whose turn it is ----------------------------------------------------------------------------------- */

static bool is_a_name(const char *host)
{
	return host && *host != '/' && *host != '@';
}

static size_t count_addresses(const struct addrinfo *first)
{
	size_t count = 0;

	for (; first && count < ADDRESSES_MAX; first = first->ai_next)
		count++;
	return count;
}

static void append_address(struct str *list, const struct addrinfo *first, size_t place)
{
	char text[ADDRESS_BYTES];

	while (place-- > 0)
		first = first->ai_next;
	if (getnameinfo(first->ai_addr, first->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) == 0)
		str_format(list, "%s%s", list->length ? "," : "", text);
}

static const char *repeat(struct arena *arena, const char *name, size_t count)
{
	struct str list;
	const char *text;

	str_init(&list, (strlen(name) + 1) * count);
	while (count-- > 0)
		str_format(&list, "%s%s", list.length ? "," : "", name);
	text = arena_text(arena, str_span(&list));
	str_finish(&list);
	return text;
}

/* All addresses of the name, in every round another one first. Without any, libpq will say why. */
static void resolve(struct arena *arena, struct server_choice *choice, size_t round)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct str list;
	size_t count;

	if (getaddrinfo(choice->name, NULL, &hints, &found) != 0)
		return;
	count = count_addresses(found);
	str_init(&list, ADDRESSES_MAX * ADDRESS_BYTES);
	for (size_t i = 0; i < count; i++)
		append_address(&list, found, (round + i) % count);
	choice->address = arena_text(arena, str_span(&list));
	choice->name = repeat(arena, choice->name, count_elements(choice->address));
	str_finish(&list);
	freeaddrinfo(found);
}

/* Who would rather have a standby asks all of them for one first, and then takes what there is. */
static const char *wanted(const struct hosts *hosts, size_t round)
{
	if (!hosts->wants || strcmp(hosts->wants, WANTS_STANDBY_FIRST) != 0)
		return hosts->wants;
	return round % STANDBY_PASSES == 0 ? "standby" : "any";
}

void hosts_choose(const struct hosts *hosts, const struct turn *turn, struct server_choice *choice)
{
	size_t place = (turn->first + turn->tries) % hosts->count;
	size_t round = turn->tries / hosts->count;
	bool is_picky = hosts->wants && strcmp(hosts->wants, WANTS_STANDBY_FIRST) == 0;

	choice->name = element(hosts->arena, hosts->names, place);
	choice->address = element(hosts->arena, hosts->addresses, place);
	choice->port =
		element(hosts->arena, hosts->ports, count_elements(hosts->ports) > 1 ? place : 0);
	choice->wants = wanted(hosts, round);
	if (!choice->address && is_a_name(choice->name))
		resolve(hosts->arena, choice, is_picky ? round / STANDBY_PASSES : round);
}

size_t hosts_count(const char *conninfo)
{
	struct hosts hosts;
	size_t count;

	hosts_init(&hosts, conninfo, false);
	count = hosts.count;
	hosts_finish(&hosts);
	return count;
}
