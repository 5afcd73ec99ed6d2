"""Syncs of calendars: what is compared, written, held back, and when they happen."""

import json
import os
import pathlib
import re

import pytest

from harness import almanac as daemons
from harness.calendar import Calendar, counted, event, feed, new_user, page
from harness.postgres import Postgres
from harness.processes import wait_until

FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """One daemon for all; each story has a user of its own."""
    return start_module_almanac(CALENDAR_SYNC_ATTEMPTS=2, CALENDAR_SYNC_TIMEOUT_SECONDS=1,
                                CALENDAR_SOURCE_MAX_MB=1)


@pytest.fixture
def calendar(almanac):
    return Calendar(almanac)


def serve(world, path, *events, **trouble):
    world.serve(path, page(events), type="application/json", **trouble)


@pytest.fixture(name="twelve")
def fixture_twelve(calendar, world):
    """A user with twelve events, synced."""
    serve(world, "/list", *map(event, range(12)))
    calendar.put("json", world.url("/list"))
    calendar.sync()
    world.forget()
    return calendar


# --- comparing ------------------------------------------------------------------------------------


def test_only_what_differs_is_written(twelve, world):
    before = dict((row[0], row) for row in twelve.versions())
    serve(world, "/list", *map(event, range(1, 12)), event(5, title="Moved"), event(20))
    run = twelve.sync()
    assert counted(run) == {"created": 1, "updated": 1, "deleted": 1, "unchanged": 10}
    assert (run["requests"], run["httpStatus"], run["read"]) == (1, 200, "list")
    after = dict((row[0], row) for row in twelve.versions())
    assert {name for name in after if after[name] != before.get(name)} == \
        {"e00000", "e00005", "e00020"}
    assert {item["id"]: item["title"] for item in twelve.events()}["e00005"] == "Moved"
    assert "e00000" not in twelve.ids()


def test_an_event_that_comes_back_is_new(twelve, world):
    serve(world, "/list", *map(event, range(1, 12)))
    assert counted(twelve.sync()) == {"deleted": 1, "unchanged": 11}
    serve(world, "/list", *map(event, range(12)))
    assert counted(twelve.sync()) == {"created": 1, "unchanged": 11}
    assert len(twelve.ids()) == 12


def test_a_list_of_many_pages_is_read_to_its_end(calendar, world):
    events = [event(number) for number in range(120)]
    world.script("/pages", [{"body": page(events[start:start + 50], total=120),
                             "type": "application/json"} for start in (0, 50, 100)])
    calendar.put("json", world.url("/pages?limit=50"))
    run = calendar.sync()
    assert counted(run) == {"created": 120} and run["requests"] == 3
    assert ["start=50" in request.query for request in world.requests_to("/pages")] == \
        [False, True, False]


def test_one_bad_item_is_told_and_the_rest_stored(twelve, world):
    before = {item["id"]: item for item in twelve.events()}
    serve(world, "/list", *map(event, range(10)), event(10, startsAt="2026-06-31T10:00:00Z"),
          event(11), event(12))
    run = twelve.sync("partial")
    assert counted(run) == {"created": 1, "unchanged": 12, "rejected": 1}
    problem, = run["problems"]
    assert problem["id"] == "e00010" and problem["rejected"] and len(problem["reason"]) > 5
    assert run["problemCount"] == 1 and run["error"] is None
    after = {item["id"]: item for item in twelve.events()}
    assert after["e00010"] == before["e00010"], "what is stored of it stays"
    assert twelve.source()["lastStatus"] == "partial"


def google(*items, token):
    body = json.dumps({"items": list(items), "nextSyncToken": token})
    return {"body": body, "type": "application/json"}


def google_item(number, **fields):
    return {"id": f"g{number}", "summary": "x", "status": "confirmed",
            "start": {"dateTime": "2026-05-01T10:00:00Z"},
            "end": {"dateTime": "2026-05-01T11:00:00Z"}, **fields}


def cancelled(number):
    return {"id": f"g{number}", "status": "cancelled"}


def tokens_asked_for(world):
    queries = [request.query for request in world.requests_to("/calendars/c/events")]
    return [found[1] if (found := re.search("syncToken=(T[0-9])", query)) else None for query in queries]


def test_a_token_asks_for_the_changes_until_it_is_gone(calendar, world):
    steps = [google(*map(google_item, (1, 2, 3)), token="T1"),
             google(cancelled(1), google_item(4), token="T2"),
             {"status": 410}, google(google_item(2), token="T3")]
    world.script("/calendars/c/events", steps)
    calendar.put("json", world.url("/calendars/c/events"))
    assert counted(calendar.sync()) == {"created": 3}
    run = calendar.sync()
    assert counted(run) == {"created": 1, "deleted": 1, "unchanged": 2}
    assert run["read"] == "changes"
    assert calendar.ids() == ["g2", "g3", "g4"]
    run = calendar.sync()
    assert counted(run) == {"deleted": 2, "unchanged": 1}
    assert (run["read"], run["requests"]) == ("list", 2)
    assert tokens_asked_for(world) == [None, "T1", "T2", None]


# --- failing --------------------------------------------------------------------------------------


TROUBLES = {
    "cut": ({"cut": 0.6}, ""),
    "an error": ({"status": 500}, "status 500"),
    "gone": ({"status": 404}, "status 404"),
    "a web page": ({"body": b"<!DOCTYPE html><html><body>Sorry</body></html>", "type": "text/html"}, ""),
    "half a list": ({"body": b'{"data":[{"id":"e1"'}, ""),
    "dripped": ({"drip": 20}, "timed out"),
    "hung": ({"hang": True}, "timed out"),
    "reset": ({"reset": True}, ""),
    "too large": ({"body": b"[" + b" " * 2 ** 20 + b"]"}, "CALENDAR_SOURCE_MAX_MB"),
    "endless redirects": ({"redirect": "/list-9"}, "redirects"),
}


def test_sources_in_trouble_change_nothing(almanac, world):
    """All at once, each with a user of its own."""
    users = {name: Calendar(almanac) for name in TROUBLES}
    for number, calendar in enumerate(users.values()):
        serve(world, f"/list-{number}", *map(event, range(12)))
        calendar.put("json", world.url(f"/list-{number}"))
    for run in [calendar.ask() for calendar in users.values()]:
        assert counted(Calendar(almanac).wait_for(run)) == {"created": 12}
    before = {name: (calendar.versions(), calendar.events()) for name, calendar in users.items()}
    for number, (trouble, _) in enumerate(TROUBLES.values()):
        world.serve(f"/list-{number}", **{"body": page([event(1)] * 40), "type": "application/json",
                                          **trouble})
    runs = {name: calendar.ask() for name, calendar in users.items()}
    for name, calendar in users.items():
        run = calendar.wait_for(runs[name])
        assert (run["status"], counted(run)) == ("failed", {}), name
        assert TROUBLES[name][1] in run["error"] and len(run["error"]) > 8, (name, run["error"])
        assert (calendar.versions(), calendar.events()) == before[name], name
        source = calendar.source()
        assert (source["failures"], source["lastStatus"], source["events"]) == (1, "failed", 12), name


def test_a_source_that_hangs_is_given_up_for_a_request(calendar, world):
    world.serve("/list", hang=True)
    calendar.put("json", world.url("/list"))
    answer = calendar.almanac.get(f"/api/v1/users/{calendar.user}/events")
    assert (answer.status_code, answer.json()["detail"]) == (502, "timed out after 1 s")


def test_a_second_page_that_fails_changes_nothing(calendar, world):
    events = [event(number) for number in range(100)]
    pages = [{"body": page(events[start:start + 50], total=100), "type": "application/json"}
             for start in (0, 50)]
    world.script("/pages", [*pages, pages[0], {"status": 502}])
    calendar.put("json", world.url("/pages?limit=50"))
    calendar.sync()
    before = calendar.versions()
    run = calendar.sync("failed")
    assert "status 502" in run["error"] and run["requests"] == 3
    assert calendar.versions() == before


def test_a_short_retry_after_is_waited_for(twelve, world):
    world.script("/list", [{"status": 503, "retry_after": 1},
                           {"body": page([event(number) for number in range(12)]),
                            "type": "application/json"}])
    run = twelve.sync()
    assert (run["requests"], counted(run)) == (2, {"unchanged": 12})
    first, second = world.requests_to("/list")
    assert second.time - first.time >= 1


def test_a_long_retry_after_puts_the_next_run_off(twelve, world):
    world.serve("/list", status=429, retry_after=7200)
    run = twelve.sync("failed")
    assert run["requests"] == 1
    seconds = twelve.query("""SELECT extract(epoch FROM due_at - now())::float FROM calendars
                              WHERE user_id = %s""", twelve.user)[0][0]
    assert 7100 < seconds <= 7200


def test_where_a_source_may_be_is_judged(start_almanac):
    calendar = Calendar(start_almanac(SOURCE_ALLOW="192.0.2.0/24"))
    calendar.put("ics", "http://127.0.0.1:9/feed.ics")
    run = calendar.sync("failed")
    assert "SOURCE_ALLOW" in run["error"]


# --- held back ------------------------------------------------------------------------------------


def test_more_than_half_vanishing_is_held_back_until_forced(twelve, world):
    before = twelve.versions()
    serve(world, "/list", *map(event, range(5)))
    run = twelve.sync("failed")
    assert "7 of 12" in run["error"] and "force=true" in run["error"]
    assert counted(run) == {} and twelve.versions() == before
    run = twelve.sync(force=True)
    assert counted(run) == {"deleted": 7, "unchanged": 5} and run["forced"]
    assert len(twelve.ids()) == 5


def test_changes_by_a_token_are_held_back_too_and_asked_for_again(calendar, world):
    changes = google(*map(cancelled, range(7)), token="T2")
    world.script("/calendars/c/events", [google(*map(google_item, range(12)), token="T1"), changes, changes,
                                         google(google_item(0), token="T3")])
    calendar.put("json", world.url("/calendars/c/events"))
    assert counted(calendar.sync()) == {"created": 12}
    run = calendar.sync("failed")
    assert run["read"] == "changes" and "7 of 12" in run["error"] and counted(run) == {}
    assert len(calendar.ids()) == 12
    run = calendar.sync(force=True)
    assert counted(run) == {"deleted": 7, "unchanged": 5} and run["forced"]
    assert counted(calendar.sync()) == {"created": 1, "unchanged": 5}
    assert tokens_asked_for(world) == [None, "T1", "T1", "T2"]


def test_half_may_vanish_and_of_few_all(twelve, world):
    serve(world, "/list", *map(event, range(6)))
    assert counted(twelve.sync()) == {"deleted": 6, "unchanged": 6}
    serve(world, "/list")
    assert counted(twelve.sync()) == {"deleted": 6}
    assert twelve.list()["total"] == 0 and twelve.list()["origin"] == "store"


# --- what does not change -------------------------------------------------------------------------


def test_a_feed_is_known_by_its_tag_on_the_same_day(calendar, world):
    world.serve("/feed.ics", feed(("a", "20260601T100000Z", "A")), type="text/calendar", etag=True)
    calendar.put("ics", world.url("/feed.ics"))
    calendar.sync()
    before = calendar.versions()
    run = calendar.sync()
    assert (run["notModified"], run["httpStatus"], counted(run)) == (True, 304, {"unchanged": 1})
    assert calendar.versions() == before
    postgres_say(calendar, "UPDATE calendars SET window_on = window_on - 1 WHERE user_id = %s")
    run = calendar.sync()
    assert (run["notModified"], run["httpStatus"], counted(run)) == (False, 200, {"unchanged": 1})


def postgres_say(calendar, sql):
    Postgres.query(calendar.almanac.settings["DATABASE_URL"], sql + " RETURNING id", calendar.user)


def test_a_list_of_one_page_is_known_by_its_tag(twelve, world):
    serve(world, "/list", *map(event, range(12)), etag=True)
    assert not twelve.sync()["notModified"]
    run = twelve.sync()
    assert run["notModified"] and counted(run) == {"unchanged": 12}


def test_the_source_hears_who_asked(twelve, world):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = twelve.almanac.post(f"/api/v1/users/{twelve.user}/events",
                                 headers={"X-Request-Id": "story-7", "traceparent": trace})
    twelve.wait_for(answer.json()["syncId"])
    Calendar(twelve.almanac, new := new_user()).put("json", world.url("/list"))
    twelve.almanac.get(f"/api/v1/users/{new}/events",
                       headers={"X-Request-Id": "story-7", "traceparent": trace})
    for request in world.wait_for(2, "/list"):
        must_tell(request, trace)


def must_tell(request, trace):
    assert request.headers["X-Request-Id"] == "story-7"
    assert request.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert request.headers["User-Agent"].startswith("almanac/")


# --- the generator's clock ------------------------------------------------------------------------


@pytest.mark.skipif(not FAKETIME or "ALMANAC_SANITIZER" in os.environ,
                    reason="libfaketime is not installed, or a sanitizer wants to be loaded first")
def test_an_hour_later_a_few_events_have_changed(start_almanac, database):
    first = Calendar(start_almanac(database), "7")
    first.sync()
    before = {item["id"]: item for item in first.events()}
    first.almanac.terminate()
    later = Calendar(start_almanac(database, LD_PRELOAD=str(FAKETIME), FAKETIME="+1h",
                                   FAKETIME_DONT_FAKE_MONOTONIC="1"), "7")
    changed = later.sync()
    after = {item["id"]: item for item in later.events()}
    assert counted(changed) == {
        "created": len(after.keys() - before.keys()), "deleted": len(before.keys() - after.keys()),
        "updated": sum(after[name] != before[name] for name in after.keys() & before.keys()),
        "unchanged": sum(after[name] == before[name] for name in after.keys() & before.keys())}
    assert all(0 < changed[name] < 100 for name in ("created", "updated", "deleted"))


# --- the schedule ---------------------------------------------------------------------------------


def due_times(almanac):
    return dict(Postgres.query(almanac.settings["DATABASE_URL"], """
        SELECT user_id, extract(epoch FROM due_at - now())::float FROM calendars"""))


def test_a_fresh_database_has_five_users_spread_over_the_hour(start_almanac, database):
    """Once: later it keeps those it has, with their due times, drawn near when the period is shorter."""
    first = start_almanac(database)
    waits = list(due_times(first).values())
    assert sorted(due_times(first)) == ["1", "2", "3", "4", "5"]
    assert all(0 < wait <= 3600 for wait in waits)
    assert all(700 < later - sooner < 740 for sooner, later in zip(sorted(waits), sorted(waits)[1:]))
    first.terminate()
    Postgres.query(database, "DELETE FROM calendars WHERE user_id = '3' RETURNING 1")
    due = due_times(start_almanac(database, CALENDAR_USERS="1,2,3,9", CALENDAR_SYNC_INTERVAL_SECONDS=60))
    assert sorted(due) == ["1", "2", "4", "5"]
    assert all(wait <= 60 for wait in due.values())


def test_users_can_be_named(start_almanac):
    almanac = start_almanac(CALENDAR_USERS="ada, bob,ada,,é")
    assert sorted(due_times(almanac)) == ["ada", "bob", "é"]


def test_users_that_are_none_are_refused(database):
    done = daemons.run("check", DATABASE_URL=database, CALENDAR_USERS="ada," + "x" * 201)
    assert done.returncode == 2 and "CALENDAR_USERS" in done.stderr


RUNS = """SELECT c.user_id, count(*), count(*) FILTER (WHERE s.status = 'succeeded'),
                 extract(epoch FROM max(s.started_at) - min(s.started_at))::float
          FROM calendar_syncs AS s JOIN calendars AS c ON c.id = s.calendar_id
          WHERE s.finished_at IS NOT NULL GROUP BY c.user_id"""
PLACES = """SELECT (extract(epoch FROM due_at) % 2)::float FROM calendars WHERE failures = 0 ORDER BY 1"""
PATIENCE = """SELECT c.failures, extract(epoch FROM c.due_at - max(s.finished_at))::float
              FROM calendars AS c JOIN calendar_syncs AS s ON s.calendar_id = c.id
              WHERE c.user_id = 'hung' AND s.status = 'failed' GROUP BY c.id"""


def test_everybody_is_synced_by_the_schedule_while_one_source_hangs(start_almanac, world):
    """The failing one is asked ever less often; the others keep their places."""
    world.serve("/list", hang=True)
    almanac = start_almanac(CALENDAR_SYNC_INTERVAL_SECONDS=2, CALENDAR_SYNC_CONCURRENCY=2,
                            CALENDAR_SYNC_TIMEOUT_SECONDS=1, CALENDAR_SYNC_ATTEMPTS=1)
    hung = Calendar(almanac, "hung")
    hung.put("json", world.url("/list"))

    def find():
        runs = {user: rest for user, *rest in hung.query(RUNS)}
        return runs if len(runs) == 6 and min(count for count, _, _ in runs.values()) >= 2 else None

    runs = wait_until(find, 20, "two runs of everybody")
    for user in "12345":
        count, succeeded, seconds = runs[user]
        assert count == succeeded
        assert count <= seconds / 2 + 2
    assert runs["hung"][1] == 0
    places = [place for place, in hung.query(PLACES)]
    assert len(places) == 5 and all(0.3 < later - sooner < 0.5 for sooner, later in
                                    zip(places, places[1:])), "spread over the period"
    (failures, patience), = hung.query(PATIENCE)
    assert failures >= 2 and patience >= 2 ** failures - 0.5


def test_what_is_old_is_removed(start_almanac, database):
    calendar = Calendar(start_almanac(database), "7")
    calendar.sync()
    calendar.almanac.terminate()
    Postgres.query(database, """
        WITH runs AS (UPDATE calendar_syncs SET finished_at = now() - interval '8 days' RETURNING 1),
        events AS (UPDATE calendar_events SET deleted_at = now() - interval '8 days'
                   WHERE id = (SELECT min(id) FROM calendar_events) RETURNING 1)
        SELECT count(*) FROM runs, events""")
    Postgres.query(database, "UPDATE jobs SET due_at = now() WHERE name = 'calendar-purge' RETURNING 1")
    start_almanac(database)
    wait_until(lambda: Postgres.query(database, """
        SELECT (SELECT count(*) FROM calendar_syncs),
               (SELECT count(*) FROM calendar_events WHERE deleted_at IS NOT NULL)""") == [(0, 0)],
               10, "old rows are gone")
