/* test_router.c - which endpoint a path and method find, what a path field takes, and Allow */
#include <string.h>

#include "http/http.h"
#include "story.h"

static const struct endpoint listing = {.method = "GET", .path = "/things"};
static const struct endpoint creating = {.method = "POST", .path = "/things"};
static const struct endpoint slashed = {.method = "GET", .path = "/things/"};
static const struct endpoint special = {.method = "GET", .path = "/things/special"};
static const struct endpoint finding = {.method = "GET", .path = "/things/{id}"};
static const struct endpoint changing = {.method = "PATCH", .path = "/things/{id}"};
static const struct endpoint removing = {.method = "DELETE", .path = "/things/{id}"};
static const struct endpoint nested = {.method = "POST", .path = "/things/{id}/parts/{part}"};
static const struct endpoint root = {.method = "GET", .path = "/"};

static const struct endpoint *const routes[] = {&listing,  &creating, &slashed, &special, &finding,
						&changing, &removing, &nested,  &root,    NULL};

static const struct {
	const char *method;
	const char *path;
	enum route_verdict verdict;
	const struct endpoint *endpoint; /* of ROUTE_FOUND */
	const char *allow;               /* of the others */
} cases[] = {
	{"GET", "/things", ROUTE_FOUND, &listing, NULL},
	{"HEAD", "/things", ROUTE_FOUND, &listing, NULL},
	{"POST", "/things", ROUTE_FOUND, &creating, NULL},
	{"GET", "/things/", ROUTE_FOUND, &slashed, NULL},
	{"GET", "/things/special", ROUTE_FOUND, &special, NULL},
	{"GET", "/things/other", ROUTE_FOUND, &finding, NULL},
	{"GET", "/things/specially", ROUTE_FOUND, &finding, NULL},
	{"PATCH", "/things/special", ROUTE_FOUND, &changing, NULL},
	{"GET", "/things/{x}", ROUTE_FOUND, &finding, NULL},
	{"GET", "/things/{", ROUTE_FOUND, &finding, NULL},
	{"DELETE", "/things/%2e%2e", ROUTE_FOUND, &removing, NULL},
	{"POST", "/things/1/parts/2", ROUTE_FOUND, &nested, NULL},
	{"GET", "/", ROUTE_FOUND, &root, NULL},

	{"PUT", "/things", ROUTE_WRONG_METHOD, NULL, "GET, HEAD, POST, OPTIONS"},
	{"get", "/things", ROUTE_WRONG_METHOD, NULL, "GET, HEAD, POST, OPTIONS"},
	{"GETS", "/things", ROUTE_WRONG_METHOD, NULL, "GET, HEAD, POST, OPTIONS"},
	{"", "/things/", ROUTE_WRONG_METHOD, NULL, "GET, HEAD, OPTIONS"},
	{"POST", "/things/7", ROUTE_WRONG_METHOD, NULL, "GET, HEAD, PATCH, DELETE, OPTIONS"},
	{"HEAD", "/things/1/parts/2", ROUTE_WRONG_METHOD, NULL, "POST, OPTIONS"},
	{"OPTIONS", "/things", ROUTE_OPTIONS, NULL, "GET, HEAD, POST, OPTIONS"},
	{"OPTIONS", "/things/1/parts/2", ROUTE_OPTIONS, NULL, "POST, OPTIONS"},

	{"GET", "", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "*", ROUTE_UNKNOWN, NULL, ""},
	{"OPTIONS", "*", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "things", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "//things", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/Things", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/thing", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/thingss", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/{id}", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/things//", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/things/1/", ROUTE_UNKNOWN, NULL, ""},
	{"GET", "/things/1/parts", ROUTE_UNKNOWN, NULL, ""},
	{"POST", "/things/1/parts/", ROUTE_UNKNOWN, NULL, ""},
	{"POST", "/things//parts/2", ROUTE_UNKNOWN, NULL, ""},
	{"POST", "/things/1/parts/2/3", ROUTE_UNKNOWN, NULL, ""},
	{"OPTIONS", "/nothing", ROUTE_UNKNOWN, NULL, ""},
};

static void paths_find_their_endpoints(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct field_pair pairs[PATH_FIELDS_MAX];
		size_t route = 99, count = 0;
		struct str allow;
		enum route_verdict verdict;

		str_init(&allow, 128);
		verdict = router_match(routes, span_of(cases[i].path), cases[i].method, &route,
				       pairs, &count, &allow);
		if (verdict != cases[i].verdict)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, (int)verdict);
		if (verdict == ROUTE_FOUND)
			assert_ptr_equal(routes[route], cases[i].endpoint);
		else
			assert_string_equal(str_text(&allow), cases[i].allow);
		str_finish(&allow);
	}
}

static void path_fields_are_taken_as_sent(void **state)
{
	struct field_pair pairs[PATH_FIELDS_MAX];
	size_t route, count;
	struct str allow;

	(void)state;
	str_init(&allow, 128);
	assert_int_equal(router_match(routes, SPAN("/things/a%20b/parts/c+d"), "POST", &route,
				      pairs, &count, &allow),
			 ROUTE_FOUND);
	assert_int_equal(count, 2);
	assert_true(span_is(pairs[0].name, "id") && span_is(pairs[0].value, "a%20b"));
	assert_true(span_is(pairs[1].name, "part") && span_is(pairs[1].value, "c+d"));
	assert_int_equal(router_match(routes, SPAN("/things"), "GET", &route, pairs, &count,
				      &allow),
			 ROUTE_FOUND);
	assert_int_equal(count, 0);
	str_finish(&allow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_find_their_endpoints),
		cmocka_unit_test(path_fields_are_taken_as_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
