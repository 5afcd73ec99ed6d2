"""Sources of calendars, sample by sample: what each gives through the API, what it changes when it comes
again in another form, and that a source in trouble changes nothing."""

import json
import pathlib

import pytest

from harness.calendar import Calendar, counted

WORLD = pathlib.Path(__file__).resolve().parents[1] / "world"
ICS = WORLD / "ics"
JSON = WORLD / "calendar-json"


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """One daemon for all; each story has a user of its own."""
    return start_module_almanac(CALENDAR_WINDOW_DAYS=3660, CALENDAR_SYNC_ATTEMPTS=1,
                                CALENDAR_SYNC_TIMEOUT_SECONDS=2)


@pytest.fixture
def calendar(almanac):
    return Calendar(almanac)


def told(events):
    """start/end and title of each, as short as they can be."""
    return [f"{item['startsAt']}/{item['endsAt']} {item['title']}".replace(":00.000Z", "Z")
            for item in events]


def reasons(run):
    return {problem["id"]: problem["reason"] for problem in run["problems"]}


# --- iCalendar feeds ------------------------------------------------------------------------------


SAMPLES = {
    "01-weekly-dst": [
        "2026-03-22T08:00Z/2026-03-22T08:30Z Stand-up",
        "2026-03-29T07:00Z/2026-03-29T07:30Z Stand-up",
        "2026-04-05T07:00Z/2026-04-05T07:30Z Stand-up"],
    "03-exceptions": [
        "2026-01-01T09:00Z/2026-01-01T10:00Z Daily",
        "2026-01-02T15:00Z/2026-01-02T16:00Z Daily moved",
        "2026-01-05T09:00Z/2026-01-05T10:00Z Daily",
        "2026-01-10T09:00Z/2026-01-10T10:00Z Daily"],
    "04-all-day": [
        "2026-01-05/2026-01-07 Holiday",
        "2026-01-10/2026-01-11 One day, no end",
        "2026-03-27/2026-03-28 Weekly all-day",
        "2026-04-03/2026-04-04 Weekly all-day",
        "2026-04-10/2026-04-11 Weekly all-day"],
    "12-month-end": [
        "2024-02-29T09:00Z/2024-02-29T10:00Z leap day",
        "2026-01-30T09:00Z/2026-01-30T10:00Z last weekday",
        "2026-01-31T09:00Z/2026-01-31T10:00Z last day",
        "2026-01-31T09:00Z/2026-01-31T10:00Z 31st only",
        "2026-02-27T09:00Z/2026-02-27T10:00Z last weekday",
        "2026-02-28T09:00Z/2026-02-28T10:00Z last day",
        "2026-03-31T09:00Z/2026-03-31T10:00Z last day",
        "2026-03-31T09:00Z/2026-03-31T10:00Z 31st only",
        "2026-03-31T09:00Z/2026-03-31T10:00Z last weekday",
        "2026-04-30T09:00Z/2026-04-30T10:00Z last day",
        "2026-04-30T09:00Z/2026-04-30T10:00Z last weekday",
        "2026-05-31T09:00Z/2026-05-31T10:00Z 31st only",
        "2026-07-31T09:00Z/2026-07-31T10:00Z 31st only",
        "2028-02-29T09:00Z/2028-02-29T10:00Z leap day",
        "2032-02-29T09:00Z/2032-02-29T10:00Z leap day"],
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_feed_gives_its_occurrences(calendar, world, sample):
    world.serve("/feed.ics", ICS / f"{sample}.ics")
    calendar.put("ics", world.url("/feed.ics"))
    before = calendar.list("?limit=1000")
    assert before["origin"] == "source" and told(before["data"]) == SAMPLES[sample]
    run = calendar.sync()
    assert counted(run) == {"created": len(SAMPLES[sample])} and run["requests"] == 1
    after = calendar.list("?limit=1000")
    assert after["origin"] == "store" and told(after["data"]) == SAMPLES[sample]
    assert [item["id"] for item in after["data"]] == [item["id"] for item in before["data"]]


@pytest.mark.parametrize("form", [{"gzip": True}, {"chunked": True}, {"drip": 200},
                                  {"last_modified": "1767225600"}], ids=lambda form: list(form)[0])
def test_a_feed_may_come_in_any_form(calendar, world, form):
    world.serve("/feed.ics", ICS / "01-weekly-dst.ics", **form)
    calendar.put("ics", world.url("/feed.ics"))
    calendar.sync()
    assert told(calendar.events()) == SAMPLES["01-weekly-dst"]
    run = calendar.sync()
    assert counted(run) == {"unchanged": 3} and run["notModified"] == ("last_modified" in form)


def test_a_feed_may_have_moved(calendar, world):
    world.serve("/feed.ics", redirect="/new.ics")
    world.serve("/new.ics", ICS / "01-weekly-dst.ics")
    calendar.put("ics", world.url("/feed.ics"))
    calendar.sync()
    assert told(calendar.events()) == SAMPLES["01-weekly-dst"]


def test_all_day_events_stay_dates_in_every_zone(calendar, world):
    world.serve("/feed.ics", ICS / "04-all-day.ics")
    calendar.put("ics", world.url("/feed.ics"), timezone="Pacific/Kiritimati")
    calendar.sync()
    assert told(calendar.events()) == SAMPLES["04-all-day"]
    assert all(item["allDay"] for item in calendar.events())


def test_bad_events_of_a_feed_are_told_one_by_one(calendar, world):
    world.serve("/feed.ics", ICS / "06-one-bad-among-good.ics")
    calendar.put("ics", world.url("/feed.ics"))
    run = calendar.sync("partial")
    assert counted(run) == {"created": 2, "rejected": 4}
    assert reasons(run) == {"bad1": "bad DTSTART", "": "no UID", "bad2": "it ends before it starts",
                            "bad3": "the rule has an unknown FREQ"}
    assert told(calendar.events()) == ["2026-01-01T09:00Z/2026-01-01T10:00Z ok",
                                       "2026-01-05T09:00Z/2026-01-05T09:45Z ok two"]


def test_a_feed_that_changed_updates_and_removes(calendar, world):
    world.serve("/feed.ics", ICS / "09-update-v1.ics")
    calendar.put("ics", world.url("/feed.ics"))
    assert counted(calendar.sync()) == {"created": 2}
    world.serve("/feed.ics", ICS / "10-update-v2.ics")
    assert counted(calendar.sync()) == {"updated": 1, "deleted": 1}
    assert told(calendar.events()) == ["2026-01-01T11:00Z/2026-01-01T12:00Z Plan B"]
    before = calendar.versions()
    assert counted(calendar.sync()) == {"unchanged": 1}
    assert calendar.versions() == before


def test_an_event_that_became_unreadable_stays_as_it_is(calendar, world):
    good = (ICS / "06-one-bad-among-good.ics").read_text().replace("20260931", "20260930")
    world.serve("/feed.ics", good, type="text/calendar")
    calendar.put("ics", world.url("/feed.ics"))
    calendar.sync("partial")
    world.serve("/feed.ics", ICS / "06-one-bad-among-good.ics")
    assert counted(calendar.sync("partial")) == {"unchanged": 3, "rejected": 4}
    assert "bad1" in calendar.ids()


def hostile_feed(count):
    rule = "DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=1;COUNT=7"
    events = "".join(f"BEGIN:VEVENT\nUID:h{number:03}\n{rule}\nEND:VEVENT\n"
                     for number in range(count))
    return f"BEGIN:VCALENDAR\n{events}BEGIN:VEVENT\nUID:ok\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR\n"


def test_rules_that_mean_harm_are_told_and_bounded(calendar, world):
    """Followed to their ends they would take a quarter of a minute."""
    world.serve("/feed.ics", hostile_feed(300), type="text/calendar")
    calendar.put("ics", world.url("/feed.ics"))
    run = calendar.sync("partial")
    assert calendar.ids() == ["ok"] and run["problemCount"] == 300
    assert {"too long to follow" in reason or "more occurrences than can be followed" in reason
            for reason in reasons(run).values()} == {True}


# --- lists in JSON --------------------------------------------------------------------------------


FULL = ["2026-01-05T08:00Z/2026-01-05T08:30Z Stand-up",
        "2026-01-06/2026-01-08 Viaje (todo el dia)",
        "2026-01-07T15:00Z/2026-01-07T16:00Z Call NY (again on page 2)",
        "2026-01-09T22:30Z/2026-01-09T23:30Z Over midnight",
        "2026-01-12T09:00Z/2026-01-12T09:30Z Weekly"]
CHANGED = ["2026-01-06/2026-01-09 Viaje mas largo",
           "2026-01-07T15:00Z/2026-01-07T16:00Z Call NY (again on page 2)",
           "2026-01-09T22:30Z/2026-01-09T23:30Z Over midnight",
           "2026-02-01T09:00Z/2026-02-01T10:00Z New"]


def steps(*names, **last):
    """Answers in turn; `last`: the trouble of the last one."""
    answers = [{"body": JSON / name} for name in names]
    answers[-1].update(last)
    return answers


@pytest.fixture(name="full")
def fixture_full(calendar, world):
    """A user whose list came whole, in two pages."""
    world.script("/events", steps("01-full-page1.json", "02-full-page2.json"))
    calendar.put("json", world.url("/events?singleEvents=true"))
    run = calendar.sync()
    assert (counted(run), run["requests"], run["read"]) == ({"created": 5}, 2, "list")
    return calendar


def queries(world):
    return [request.query for request in world.requests_to("/events")]


def test_a_list_of_two_pages_is_read_whole(full, world):
    assert told(full.events()) == FULL
    assert queries(world) == ["singleEvents=true", "singleEvents=true&pageToken=P2"]


def test_changes_come_by_the_token_and_a_whole_list_when_it_is_gone(full, world):
    world.forget()
    world.script("/events", steps("03-incremental.json"))
    run = full.sync()
    assert counted(run) == {"created": 1, "updated": 1, "deleted": 2, "unchanged": 2}
    assert run["read"] == "changes" and told(full.events()) == CHANGED
    world.script("/events", steps("04-token-gone-410.json", status=410) +
                 steps("05-full-after-gone.json"))
    run = full.sync()
    assert counted(run) == {"deleted": 2, "unchanged": 2} and run["read"] == "list"
    assert full.ids() == ["ev2", "ev5"]
    assert queries(world) == ["singleEvents=true&syncToken=S1", "singleEvents=true&syncToken=S2",
                              "singleEvents=true"]


def test_nothing_is_removed_before_the_last_page_of_the_whole_list(full, world):
    before = full.versions()
    world.script("/events", steps("04-token-gone-410.json", status=410) +
                 steps("01-full-page1.json", "02-full-page2.json", status=500))
    run = full.sync("failed")
    assert run["requests"] == 3 and "status 500" in run["error"]
    assert full.versions() == before and told(full.events()) == FULL


def test_the_same_changes_again_write_nothing(full, world):
    world.script("/events", steps("03-incremental.json"))
    full.sync()
    before = full.versions()
    assert counted(full.sync()) == {"unchanged": 4}
    assert full.versions() == before


def test_bad_events_of_a_list_are_told_one_by_one(calendar, world):
    world.serve("/events", JSON / "06-one-bad-item.json")
    calendar.put("json", world.url("/events"))
    run = calendar.sync("partial")
    assert counted(run) == {"created": 2, "rejected": 5}
    assert reasons(run) == {
        "noStart": "it has no start (startsAt or start)",
        "badDate": "start.dateTime is no date or time that exists: 2026-02-30T09:00:00Z",
        "endFirst": "end.dateTime is before start.dateTime",
        "": "it has no id",
        "badZone": "start.dateTime: no such time zone: Mars/Base"}
    assert told(calendar.events()) == ["2026-03-01T09:00Z/2026-03-01T10:00Z fine",
                                       "2026-03-05/2026-03-06 fine too"]


def test_times_without_a_zone_are_of_the_one_that_was_set(calendar, world):
    body = json.dumps([{"id": "a", "title": "x", "startsAt": "2026-07-01T09:00:00"}])
    world.serve("/events", body, type="application/json")
    calendar.put("json", world.url("/events"), timezone="Asia/Tokyo")
    calendar.sync()
    assert told(calendar.events()) == ["2026-07-01T00:00Z/2026-07-01T00:00Z x"]


def test_a_calendar_of_this_api_can_be_the_source_of_another(calendar, almanac):
    first = Calendar(almanac, "8")
    first.sync()
    calendar.put("json", almanac.url("/api/v1/users/8/events"))
    run = calendar.sync()
    assert counted(run) == {"created": 800} and run["requests"] == 3
    assert calendar.events() == first.events()


# --- trouble --------------------------------------------------------------------------------------


PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
TROUBLES = {
    "cut": ({"cut": 0.5}, ""),
    "cut without a length": ({"cut": 0.5, "chunked": True}, ""),
    "dripped": ({"drip": 5}, "timed out"),
    "away": ({"status": 503, "retry_after": 3600}, "status 503"),
    "a web page": ({"body": PAGE, "type": "text/html"}, "page for people"),
    "empty": ({"body": b""}, "empty"),
}


@pytest.fixture(name="fed")
def fixture_fed(calendar, world):
    """A user with a feed, synced."""
    world.serve("/feed.ics", ICS / "03-exceptions.ics")
    calendar.put("ics", world.url("/feed.ics"))
    calendar.sync()
    return calendar


def assert_nothing_changes(calendar, words):
    before, events = calendar.versions(), calendar.events()
    run = calendar.sync("failed")
    assert counted(run) == {} and words in run["error"] and len(run["error"]) > 8
    assert calendar.versions() == before and calendar.events() == events


@pytest.mark.parametrize("name", TROUBLES)
def test_a_feed_in_trouble_changes_nothing(fed, world, name):
    trouble, words = TROUBLES[name]
    world.serve("/feed.ics", **{"body": ICS / "03-exceptions.ics", **trouble})
    assert_nothing_changes(fed, words)


def test_a_feed_that_ends_early_though_its_answer_is_whole_changes_nothing(fed, world):
    whole = (ICS / "03-exceptions.ics").read_bytes()
    world.serve("/feed.ics", whole[:whole.index(b"END:VCALENDAR")], type="text/calendar")
    assert_nothing_changes(fed, "the calendar is cut")


@pytest.mark.parametrize("name", TROUBLES)
def test_a_second_page_in_trouble_changes_nothing(calendar, world, name):
    trouble, words = TROUBLES[name]
    world.script("/events", steps("05-full-after-gone.json"))
    calendar.put("json", world.url("/events?updatedMin=2020-01-01"))
    calendar.sync()
    world.script("/events", steps("01-full-page1.json", "02-full-page2.json", **trouble))
    assert_nothing_changes(calendar, words)
