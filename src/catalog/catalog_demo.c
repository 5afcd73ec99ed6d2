/* catalog_demo.c - the feed of the demo provider, made anew for each day: two events a day for the
 * coming sixty days, with ids that stay theirs. */
#include "almanac/catalog.h"

#include "almanac/clock.h"
#include "almanac/moment.h"

#define DAY_US INT64_C(86400000000)
#define DAYS 60

static const struct {
	const char *title, *start, *end;
	const char *zones;
} shows[] = {
	{"Jazz at the old harbour", "20:30:00", "22:30:00",
	 "<zone zone_id=\"1\" capacity=\"120\" price=\"18.00\" name=\"Stalls\" numbered=\"true\"/>"
	 "<zone zone_id=\"2\" capacity=\"60\" price=\"12.50\" name=\"Gallery\" numbered=\"false\"/>"},
	{"A walk through the botanical garden", "10:00:00", "11:30:00",
	 "<zone zone_id=\"1\" capacity=\"25\" price=\"0.00\" name=\"Guests\" numbered=\"false\"/>"},
	{"The tempest, open air", "21:00:00", "23:15:00",
	 "<zone zone_id=\"1\" capacity=\"300\" price=\"35.00\" name=\"Front\" numbered=\"true\"/>"
	 "<zone zone_id=\"2\" capacity=\"200\" price=\"22.00\" name=\"Rear\" numbered=\"true\"/>"},
	{"Chamber music at noon", "12:15:00", "13:00:00",
	 "<zone zone_id=\"1\" capacity=\"80\" price=\"9.90\" name=\"Hall\" numbered=\"false\"/>"},
	{"Astronomy for beginners", "19:00:00", "20:30:00",
	 "<zone zone_id=\"1\" capacity=\"0\" price=\"5.00\" name=\"Dome\" numbered=\"true\"/>"},
};

#define SHOWS ((int64_t)(sizeof(shows) / sizeof(*shows)))

static void append_show(struct str *out, int64_t day, int64_t number)
{
	int64_t show = (day * 2 + number) % SHOWS;
	struct moment moment = moment_of_unix_us(day * DAY_US);
	char date[MOMENT_TEXT_MAX];
	int length = (int)moment_write_date(&moment, date);

	str_format(
		out,
		"<base_event base_event_id=\"%lld\" sell_mode=\"online\" title=\"%s\">"
		"<event event_id=\"%lld\" event_start_date=\"%.*sT%s\" event_end_date=\"%.*sT%s\" "
		"sold_out=\"false\">%s</event></base_event>\n",
		(long long)show + 1, shows[show].title, (long long)(day * 2 + number), length, date,
		shows[show].start, length, date, shows[show].end, shows[show].zones);
}

static bool demo_feed(struct request *request, struct reply *reply)
{
	int64_t today = clock_wall_us() / DAY_US;

	(void)request;
	str_append_text(&reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				      "<eventList version=\"1.0\"><output>\n");
	for (int64_t day = today; day < today + DAYS; day++) {
		append_show(&reply->body, day, 0);
		append_show(&reply->body, day, 1);
	}
	str_append_text(&reply->body, "</output></eventList>\n");
	return true;
}

const struct endpoint catalog_demo = {
	.name = "catalog_demo",
	.method = "GET",
	.path = "/demo/events.xml",
	.tag = "catalog",
	.summary = "The demo provider's feed",
	.description =
		"An XML feed of events on the coming sixty days. A fresh database gets a provider "
		"that reads it, so that searches find something at once.",
	.scope = SCOPE_OPEN,
	.answers = demo_feed,
	.has_etag = true,
	.answer_type = "application/xml",
};
