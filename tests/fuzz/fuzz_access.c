/* fuzz_access.c - what strangers say of themselves: Forwarded, X-Forwarded-For, Authorization; and the lists
 * people write: tokens, origins, proxies, rates */
#include <assert.h>
#include <string.h>

#include "http/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whoever is found is a client, or one whom we trust; never an address that did not come. */
static void check_trail(const struct proxies *proxies, struct span text,
			void (*add)(struct trail *trail, struct span line))
{
	struct trail trail = {.proxies = proxies};
	struct address peer, client;

	assert(address_read(SPAN("10.0.0.1"), &peer));
	add(&trail, text);
	client = trail_client(&trail, &peer);
	if (trail.end == TRAIL_KNOWN)
		assert(!proxies_hold(proxies, &client));
	else
		assert(proxies_hold(proxies, &client));
	if (text.length == 0)
		assert(memcmp(&client, &peer, sizeof(peer)) == 0);
}

/* A hop that is appended by somebody we trust decides, whatever stands before it. */
static void check_spoofing(const struct proxies *proxies, struct span text)
{
	struct trail trail = {.proxies = proxies};
	struct address peer, client, true_one;

	assert(address_read(SPAN("10.0.0.1"), &peer) && address_read(SPAN("1.2.3.4"), &true_one));
	trail_add_forwarded_for(&trail, text);
	trail_add_forwarded_for(&trail, SPAN("1.2.3.4, 10.9.9.9"));
	client = trail_client(&trail, &peer);
	assert(memcmp(&client, &true_one, sizeof(client)) == 0);
}

static void check_credentials(struct span text)
{
	struct span token;

	if (credentials_read(text, &token) != CREDENTIALS_BEARER)
		return;
	assert(token.length > 0 && token.length < text.length);
	for (size_t i = 0; i < token.length; i++)
		assert(token.bytes[i] > ' ' && token.bytes[i] < 0x7f);
}

static void check_lists(struct str *text)
{
	struct tokens *tokens;
	struct proxies proxies;
	struct rate rate;
	struct cors cors;
	struct str complaint;

	str_init(&complaint, 1 << 20);
	tokens = tokens_create(str_text(text), &complaint);
	assert(tokens || complaint.length > 0);
	tokens_destroy(tokens);
	if (rate_read(str_text(text), 0, &rate, &complaint))
		assert(rate.quota == 0 || (rate.window_s > 0 && rate.burst == rate.quota));
	if (cors_init(&cors, str_text(text), &complaint) && !cors.is_any)
		assert(!cors_allows(&cors, SPAN("null")));
	if (!proxies_init(&proxies, str_text(text), &complaint))
		assert(complaint.length > 0);
	proxies_finish(&proxies);
	str_finish(&complaint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct proxies proxies;
	struct str copy;

	str_init(&copy, 1 << 20);
	assert(proxies_init(&proxies, "10.0.0.0/8,fd00::/8", &copy));
	check_trail(&proxies, text, trail_add_forwarded);
	check_trail(&proxies, text, trail_add_forwarded_for);
	check_spoofing(&proxies, text);
	check_credentials(text);
	proxies_finish(&proxies);
	str_append(&copy, text);
	check_lists(&copy);
	str_finish(&copy);
	return 0;
}
