"""Lists of users' events, their sources, and the records of sync runs."""

import base64
import contextlib
import re
import threading
import uuid

import psycopg2
import pytest

from harness.calendar import EVENT, Calendar, counted, event, page

RUN = ["syncId", "userId", "status", "reason", "forced", "queuedAt", "startedAt", "finishedAt",
       "requests", "httpStatus", "notModified", "read", "wireBytes", "bodyBytes", "created", "updated",
       "deleted", "unchanged", "rejected", "problemCount", "problems", "error"]
SOURCE = ["userId", "kind", "url", "timezone", "events", "failures", "lastStatus", "syncedAt",
          "nextSyncAt", "updatedAt"]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """One daemon for all; each story has a user of its own."""
    return start_module_almanac(CALENDAR_SYNC_ATTEMPTS=1)


@pytest.fixture
def calendar(almanac):
    return Calendar(almanac)


@pytest.fixture(name="stored", scope="module")
def fixture_stored(almanac):
    """A user of the generator who has been synced."""
    calendar = Calendar(almanac, "stored")
    calendar.sync()
    return calendar


def faults(answer):
    """{field: rule} of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return {fault["field"]: fault["rule"] for fault in answer.json()["errors"]}


def in_order(events):
    return sorted(events, key=lambda item: (item["startsAt"].ljust(11, "T").ljust(24, "0"),
                                            item["id"].encode()))


# --- the generator --------------------------------------------------------------------------------


def test_a_user_who_was_never_synced_is_read_from_the_source(calendar):
    answer = calendar.list()
    assert list(answer) == ["data", "start", "limit", "total", "origin", "syncedAt"]
    assert (answer["start"], answer["limit"], answer["origin"], answer["syncedAt"]) == \
        (0, 100, "source", None)
    assert 100 <= answer["total"] <= 5000
    assert len(answer["data"]) == 100
    assert calendar.syncs() == []
    assert calendar.query("SELECT count(*) FROM calendars WHERE user_id = %s", calendar.user) == [(0,)]


def test_an_event_has_these_members(stored):
    for item in stored.list("?limit=1000")["data"]:
        assert list(item) == EVENT
        form = DATE if item["allDay"] else MOMENT
        assert form.fullmatch(item["startsAt"]) and form.fullmatch(item["endsAt"])
        assert item["startsAt"] <= item["endsAt"]
        assert item["status"] in ("confirmed", "tentative", "cancelled")
        assert item["updatedAt"] is None or MOMENT.fullmatch(item["updatedAt"])


def test_the_store_tells_what_the_source_told(calendar):
    before = calendar.events()
    run = calendar.sync()
    assert list(run) == RUN
    assert counted(run) == {"created": len(before)}
    assert (run["userId"], run["reason"], run["requests"], run["problems"], run["error"]) == \
        (calendar.user, "request", 0, [], None)
    for name in ("queuedAt", "startedAt", "finishedAt"):
        assert MOMENT.fullmatch(run[name])
    after = calendar.list()
    assert (after["origin"], after["total"]) == ("store", len(before))
    assert MOMENT.fullmatch(after["syncedAt"])
    assert calendar.events() == before


def test_a_second_sync_of_the_same_writes_no_row(stored):
    before = stored.versions()
    assert counted(stored.sync()) == {"unchanged": len(before)}
    assert stored.versions() == before


def test_pages_join_without_gap_or_double(stored):
    whole = stored.list("?limit=1000")["data"] if stored.list()["total"] <= 1000 else stored.events()
    for limit in (37, 50, 1000):
        pages = [stored.list(f"?start={start}&limit={limit}")["data"]
                 for start in range(0, len(whole), limit)]
        assert [item for one in pages for item in one] == whole
    assert whole == in_order(whole)
    assert len({item["id"] for item in whole}) == len(whole)


def test_past_the_end_is_an_empty_page(stored):
    total = stored.list()["total"]
    for start in (total, total + 1, 5000, 10 ** 18):
        answer = stored.list(f"?start={start}")
        assert (answer["data"], answer["total"], answer["start"]) == ([], total, start)


def test_a_limit_is_lowered_and_told(stored):
    assert stored.list("?limit=100000")["limit"] == 1000
    assert len(stored.list("?limit=3")["data"]) == 3


@pytest.mark.parametrize("query, fault", [
    ("start=-1", {"start": "minimum"}), ("start=x", {"start": "format"}), ("limit=0", {"limit": "minimum"}),
    ("limit=1.5", {"limit": "format"}), ("from=2026-06-31", {"from": "format"}),
    ("to=tomorrow&start=-5", {"to": "format", "start": "minimum"}),
    ("from=2026-06-02&to=2026-06-01", {"from": "conflict"})])
def test_a_wrong_query_names_its_fields(almanac, query, fault):
    answer = almanac.get(f"/api/v1/users/1/events?{query}")
    assert answer.status_code == 400
    assert faults(answer) == fault


def overlaps(item, start, end):
    """As a reader would: compared as texts, dates are their midnights."""
    starts, ends = (f"{item[name]}T00:00:00.000Z"[:24] if item["allDay"] else item[name]
                    for name in ("startsAt", "endsAt"))
    return starts < end and (starts >= start or ends > start)


def test_from_and_to_select_by_overlap(stored, calendar):
    whole = stored.events()
    middle = whole[len(whole) // 2]["startsAt"][:10]
    begin, end = f"{middle}T09:30:00.000Z", f"{middle}T16:00:00.000Z"
    wanted = [item for item in whole if overlaps(item, begin, end)]
    query = f"?from={begin}&to={end}&limit=1000"
    answer = stored.list(query)
    assert answer["data"] == wanted and wanted
    assert answer["total"] == len(wanted)
    assert stored.list(f"{query}&start=1")["data"] == wanted[1:]
    unsynced = [item for item in calendar.events() if overlaps(item, begin, end)]
    assert calendar.list(query)["data"] == unsynced


def test_at_most_five_thousand_events_are_reachable(calendar, world):
    events = [event(number) for number in range(5100)]
    world.serve("/list", page(events), type="application/json")
    calendar.put("json", world.url("/list"))
    assert calendar.list()["total"] == 5000
    assert counted(calendar.sync()) == {"created": 5100}
    reachable = calendar.events()
    assert len(reachable) == 5000
    assert [item["id"] for item in reachable] == [item["id"] for item in in_order(events)][:5000]
    assert calendar.list("?start=4990&limit=100")["data"] == reachable[4990:]
    assert calendar.list("?from=2026-01-01&to=2027-01-01")["total"] == 5000


def test_an_unchanged_list_is_not_sent_again(stored, almanac):
    path = f"/api/v1/users/{stored.user}/events?limit=5"
    tag = almanac.get(path).headers["ETag"]
    assert almanac.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert almanac.head(path).headers["ETag"] == tag


# --- asking for syncs -----------------------------------------------------------------------------


def test_asking_answers_with_a_run(calendar):
    answer = calendar.must("POST", f"/api/v1/users/{calendar.user}/events", 202)
    body = answer.json()
    assert (body["userId"], body["status"]) == (calendar.user, "queued")
    assert answer.headers["Location"] == f"/api/v1/syncs/{uuid.UUID(body['syncId'])}"
    calendar.wait_for(body["syncId"])
    assert [run["syncId"] for run in calendar.syncs()] == [body["syncId"]]


def test_asking_again_meanwhile_gives_the_same_run(calendar, world):
    world.serve("/slow", page([event(1)]), type="application/json", delay=0.4)
    calendar.put("json", world.url("/slow"))
    first = calendar.ask()
    world.wait_for(1, "/slow")
    assert calendar.ask() == first
    calendar.wait_for(first)
    assert len(world.requests_to("/slow")) == 1
    assert calendar.ask() != first


def test_asking_does_not_wait_for_what_is_being_stored(calendar, world):
    """As long as that takes, the calendar's row is locked."""
    world.serve("/slow", page([event(1)]), type="application/json", delay=1)
    calendar.put("json", world.url("/slow"))
    run = calendar.ask()
    world.wait_for(1, "/slow")
    with contextlib.closing(psycopg2.connect(calendar.almanac.settings["DATABASE_URL"])) as storing:
        storing.cursor().execute("SELECT FROM calendars WHERE user_id = %s FOR UPDATE", [calendar.user])
        assert calendar.ask() == run
        storing.rollback()
    calendar.wait_for(run)


def test_a_run_that_is_not_known(almanac):
    answer = almanac.get(f"/api/v1/syncs/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "sync_not_found")
    assert faults(almanac.get("/api/v1/syncs/7")) == {"id": "format"}


def test_runs_are_listed_page_by_page(calendar):
    runs = [calendar.sync()["syncId"] for _ in range(5)][::-1]
    path, found = f"/api/v1/users/{calendar.user}/syncs?limit=2", []
    while path:
        answer = calendar.must("GET", path)
        found += [run["syncId"] for run in answer.json()["data"]]
        path = answer.links.get("next", {}).get("url")
    assert found == runs
    assert calendar.must("GET", "/api/v1/users/nobody/syncs").json() == {"data": [], "next": None}


@pytest.mark.parametrize("cursor", ["MQ", "____", "", base64.urlsafe_b64encode(
    b"2026-01-01 00:00:00+00|7").decode().rstrip("=")])
def test_a_cursor_that_is_not_ours(almanac, cursor):
    answer = almanac.get(f"/api/v1/users/1/syncs?cursor={cursor}")
    assert answer.status_code == (400 if cursor else 200)


# --- sources --------------------------------------------------------------------------------------


def test_everybody_has_the_generator(calendar):
    source = calendar.source()
    assert list(source) == SOURCE
    assert (source["kind"], source["url"], source["syncedAt"], source["events"]) == \
        ("generator", None, None, 0)


def test_a_source_is_set_found_and_reset(calendar, world):
    url = world.url("/feed.ics")
    made = calendar.put("ics", url, timezone="Europe/Madrid")
    assert list(made) == SOURCE
    assert (made["userId"], made["kind"], made["url"], made["timezone"]) == \
        (calendar.user, "ics", url, "Europe/Madrid")
    assert MOMENT.fullmatch(made["nextSyncAt"])
    assert calendar.source() == made
    for _ in range(2):
        calendar.must("DELETE", f"/api/v1/users/{calendar.user}/source", 204)
        assert calendar.source()["kind"] == "generator"
    calendar.must("DELETE", "/api/v1/users/unheard-of/source", 204)


@pytest.mark.parametrize("body, fault", [
    ({}, {"kind": "required"}), ({"kind": "xml"}, {"kind": "choice"}),
    ({"kind": "json"}, {"url": "required"}), ({"kind": "ics", "url": "ftp://a/b"}, {"url": "format"}),
    ({"kind": "generator", "url": "http://a/b"}, {"url": "conflict"}),
    ({"kind": "ics", "url": "http://a/b", "timezone": "Mars/Base"}, {"timezone": "unknown"}),
    ({"kind": "ics", "url": "http://a/b", "timezone": "../UTC"}, {"timezone": "unknown"}),
    ({"kind": 7, "url": 8}, {"kind": "type", "url": "type"})])
def test_a_wrong_source_names_its_fields(almanac, body, fault):
    answer = almanac.put("/api/v1/users/1/source", body)
    assert answer.status_code == 422
    assert faults(answer) == fault


def test_the_same_source_again_changes_nothing(calendar, world):
    world.serve("/list", page([event(1)]), type="application/json")
    calendar.put("json", world.url("/list"))
    calendar.sync()
    before = calendar.source()
    assert calendar.put("json", world.url("/list")) == before
    assert calendar.list()["origin"] == "store"


def test_another_source_takes_the_place_of_all(calendar, world):
    world.serve("/one", page([event(number) for number in range(40)]), type="application/json")
    world.serve("/two", page([event(number) for number in range(39, 42)]), type="application/json")
    calendar.put("json", world.url("/one"))
    calendar.sync()
    calendar.put("json", world.url("/two"))
    answer = calendar.list()
    assert (answer["origin"], answer["total"]) == ("source", 3)
    assert counted(calendar.sync()) == {"created": 2, "deleted": 39, "unchanged": 1}
    assert calendar.ids() == ["e00040", "e00041", "e00039"] or len(calendar.ids()) == 3


def test_another_source_in_the_middle_of_a_run(calendar, world):
    """The run begins anew: what it read before is worth nothing."""
    world.serve("/old", page([event(1)]), type="application/json", delay=0.6)
    world.serve("/new", page([event(2)]), type="application/json")
    calendar.put("json", world.url("/old"))
    run = calendar.ask()
    world.wait_for(1, "/old")
    calendar.put("json", world.url("/new"))
    assert counted(calendar.wait_for(run)) == {"created": 1}
    assert calendar.ids() == ["e00002"]


# --- users who were never synced, from sources out there -------------------------------------------


def test_a_list_that_was_never_synced_is_read_for_the_request(calendar, world):
    events = [event(number) for number in range(30)]
    world.serve("/list", page(events), type="application/json")
    calendar.put("json", world.url("/list"))
    answer = calendar.list("?start=10&limit=5")
    assert (answer["origin"], answer["total"], answer["syncedAt"]) == ("source", 30, None)
    assert [item["id"] for item in answer["data"]] == [item["id"] for item in in_order(events)][10:15]
    assert calendar.syncs() == []
    calendar.sync()
    assert calendar.list("?start=10&limit=5")["data"] == answer["data"]


@pytest.mark.parametrize("trouble, words", [
    ({"status": 503}, "status 503"), ({"status": 404}, "status 404"), ({"cut": 0.5}, ""),
    ({"body": b"<html>Sorry</html>", "type": "text/html"}, ""), ({"reset": True}, "")])
def test_a_source_that_fails_is_told(calendar, world, trouble, words):
    world.serve("/list", **{"body": page([event(1)]), "type": "application/json", **trouble})
    calendar.put("json", world.url("/list"))
    answer = calendar.almanac.get(f"/api/v1/users/{calendar.user}/events")
    assert (answer.status_code, answer.json()["code"]) == (502, "source_failed")
    assert words in answer.json()["detail"] and len(answer.json()["detail"]) > 5


def test_many_who_ask_at_once_cause_one_request(calendar, world):
    world.serve("/list", page([event(1), event(2)]), type="application/json", delay=0.5)
    calendar.put("json", world.url("/list"))
    answers = []
    threads = [threading.Thread(target=lambda start=start: answers.append(
        calendar.list(f"?start={start % 2}"))) for start in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(answer["data"]) for answer in answers) == [1] * 10 + [2] * 10
    assert len(world.requests_to("/list")) == 1
