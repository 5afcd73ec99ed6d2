"""Providers: created, changed, listed, deleted, and what their sync runs tell."""

import json
import re
import uuid

import pytest

from harness.catalog import Catalog, as_cursor
from harness.feeds import one_event, sample

URL = "http://127.0.0.1:9/feed.xml"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PROVIDER = ["id", "name", "url", "timezone", "intervalSeconds", "events", "failures", "lastStatus",
            "lastSyncedAt", "nextSyncAt", "createdAt", "updatedAt"]
RUN = ["syncId", "providerId", "status", "reason", "queuedAt", "startedAt", "finishedAt",
       "attempts", "httpStatus", "notModified", "wireBytes", "bodyBytes", "events", "zones", "created",
       "updated", "unchanged", "rejected", "vanished", "problemCount", "problems", "error"]


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """One daemon for all; each story makes its own providers."""
    return start_module_almanac(EVENTS_SYNC_ATTEMPTS=1)


@pytest.fixture
def catalog(almanac):
    return Catalog(almanac)


def faults(answer):
    """{field: (rule, message)} of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return {fault["field"]: (fault["rule"], fault["message"]) for fault in problem["errors"]}


def code(answer):
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def walk(almanac, path):
    """Every item of a list, page by page, along its Link headers."""
    items = []
    while path:
        answer = almanac.get(path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        path = answer.links.get("next", {}).get("url")
        assert (path is None) == (page["next"] is None)
        assert path is None or f"cursor={page['next']}" in path
    return items


# --- creating -------------------------------------------------------------------------------------


def test_create_find_and_list(almanac):
    answer = almanac.post("/api/v1/providers", {
        "name": "Teatros", "url": URL, "timezone": "Europe/Madrid", "intervalSeconds": 900})
    made = answer.json()
    assert answer.status_code == 201
    assert list(made) == PROVIDER
    assert answer.headers["Location"] == f"/api/v1/providers/{made['id']}"
    assert {name: made[name] for name in PROVIDER[1:9]} == {
        "name": "Teatros", "url": URL, "timezone": "Europe/Madrid", "intervalSeconds": 900,
        "events": 0, "failures": 0, "lastStatus": None, "lastSyncedAt": None}
    for name in ("nextSyncAt", "createdAt", "updatedAt"):
        assert MOMENT.fullmatch(made[name])
    found = almanac.get(answer.headers["Location"]).json()
    assert list(found) == PROVIDER
    assert {name: found[name] for name in ("id", "name", "createdAt")} == \
        {name: made[name] for name in ("id", "name", "createdAt")}
    assert [item["name"] for item in walk(almanac, "/api/v1/providers")
            if item["id"] == made["id"]] == ["Teatros"]


def test_defaults(almanac):
    made = almanac.post("/api/v1/providers", {"name": "defaults", "url": URL}).json()
    assert (made["timezone"], made["intervalSeconds"]) == ("UTC", 3600)


def test_unknown_members_are_ignored(almanac):
    answer = almanac.post("/api/v1/providers", {"name": "more", "url": URL, "colour": {"a": [1]}})
    assert answer.status_code == 201
    assert "colour" not in answer.json()


def test_the_feed_is_fetched_at_once(catalog, world):
    world.serve("/feed", one_event())
    provider = catalog.create(world.url("/feed"))
    run, = catalog.wait_for_syncs(provider, 1)
    assert (run["status"], run["reason"]) == ("succeeded", "schedule")
    told = catalog.provider(provider)
    assert (told["events"], told["lastStatus"]) == (1, "succeeded")
    assert MOMENT.fullmatch(told["lastSyncedAt"])


BAD_FIELDS = [
    ({}, {"name": "required", "url": "required"}),
    ({"name": "x"}, {"url": "required"}),
    ({"name": None, "url": None}, {"name": "type", "url": "type"}),
    ({"name": 7, "url": ["x"]}, {"name": "type", "url": "type"}),
    ({"name": "", "url": ""}, {"name": "length", "url": "format"}),
    ({"name": "n" * 201, "url": URL}, {"name": "length"}),
    ({"name": "é" * 101, "url": URL}, {"name": "length"}),
    ({"name": "x", "url": "ftp://example.org/feed"}, {"url": "format"}),
    ({"name": "x", "url": "example.org/feed"}, {"url": "format"}),
    ({"name": "x", "url": "http://"}, {"url": "format"}),
    ({"name": "x", "url": "http://a b/"}, {"url": "format"}),
    ({"name": "x", "url": "http://host:99999/"}, {"url": "format"}),
    ({"name": "x", "url": "http://user:secret@host/"}, {"url": "format"}),
    ({"name": "x", "url": "file:///etc/passwd"}, {"url": "format"}),
    ({"name": "x", "url": "almanac:demo"}, {"url": "format"}),
    ({"name": "x", "url": "http://host/" + "a" * 2048}, {"url": "format"}),
    ({"name": "x", "url": URL, "timezone": ""}, {"timezone": "length"}),
    ({"name": "x", "url": URL, "timezone": 2}, {"timezone": "type"}),
    ({"name": "x", "url": URL, "timezone": "Z" * 65}, {"timezone": "length"}),
    ({"name": "x", "url": URL, "intervalSeconds": 0}, {"intervalSeconds": "minimum"}),
    ({"name": "x", "url": URL, "intervalSeconds": -1}, {"intervalSeconds": "minimum"}),
    ({"name": "x", "url": URL, "intervalSeconds": 86401}, {"intervalSeconds": "maximum"}),
    ({"name": "x", "url": URL, "intervalSeconds": 1.5}, {"intervalSeconds": "type"}),
    ({"name": "x", "url": URL, "intervalSeconds": "60"}, {"intervalSeconds": "type"}),
    ({"name": "x", "url": URL, "intervalSeconds": True}, {"intervalSeconds": "type"}),
    ({"name": "", "url": "", "timezone": "", "intervalSeconds": 0},
     {"name": "length", "url": "format", "timezone": "length", "intervalSeconds": "minimum"}),
]


@pytest.mark.parametrize("body, expected", BAD_FIELDS)
def test_bad_fields_are_all_named(body, expected, almanac):
    answer = almanac.post("/api/v1/providers", body)
    assert code(answer) == (422, "invalid_body")
    told = faults(answer)
    assert {field: rule for field, (rule, _) in told.items()} == expected
    assert all(message for _, message in told.values())


@pytest.mark.parametrize("name", ["Mars/Phobos", "Europe/Nowhere", "+02:00", "2", "Mars/Phobos1",
                                  "Foo5", "Europe/Madrid; SELECT 1", "../etc/localtime", "é"])
def test_unknown_timezones(name, almanac):
    body = {"name": "zone", "url": URL, "timezone": name}
    assert code(almanac.post("/api/v1/providers", body)) == (422, "provider_timezone_unknown")


@pytest.mark.parametrize("name", ["UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires",
                                  "Etc/GMT+5", "EST5EDT", "America/Port-au-Prince"])
def test_known_timezones(name, almanac):
    body = {"name": f"zone {name}", "url": URL, "timezone": name}
    assert almanac.post("/api/v1/providers", body).json()["timezone"] == name


def test_a_name_is_taken_once(almanac):
    body = {"name": "única", "url": URL}
    made = almanac.post("/api/v1/providers", body).json()
    assert code(almanac.post("/api/v1/providers", body)) == (409, "provider_name_taken")
    assert almanac.delete(f"/api/v1/providers/{made['id']}").status_code == 204
    assert almanac.post("/api/v1/providers", body).status_code == 201


AS_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("body", [b"", b"{", b"nul", b'{"name":"a","name":"b"}', b"{} {}",
                                  b'{"name":"\xff"}', b'{"name":"\\ud800"}', b"{'name':'a'}",
                                  b'{"name":"nul\\u0000"}', b"[" * 100_000])
def test_bodies_that_are_no_json(body, almanac):
    answer = almanac.post("/api/v1/providers", data=body, headers=AS_JSON)
    assert code(answer) == (400, "bad_json")


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
def test_bodies_that_are_no_object(body, almanac):
    answer = almanac.post("/api/v1/providers", data=body, headers=AS_JSON)
    assert code(answer) == (422, "invalid_body")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          "text/json", "application/xml", None])
def test_bodies_of_another_type(content_type, almanac):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = almanac.post("/api/v1/providers", data=b'{"name":"a","url":"http://a/"}',
                          headers=headers)
    assert code(answer) == (415, "not_json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON",
                                          "application/vnd.almanac+json"])
def test_other_spellings_of_json(content_type, almanac):
    body = json.dumps({"name": content_type, "url": URL})
    answer = almanac.post("/api/v1/providers", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 201, answer.text


# --- looking up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/providers/{}", "/api/v1/providers/{}/syncs",
                                  "/api/v1/providers/{}/syncs/" + str(uuid.UUID(int=1))])
def test_ids_that_are_not_there(path, almanac):
    not_found = "sync_not_found" if path.count("/") == 6 else "provider_not_found"
    assert code(almanac.get(path.format(999999))) == (404, not_found)
    assert code(almanac.get(path.format(2 ** 63 - 1))) == (404, not_found)
    for bad in ("0", "-1", "x", "1.5", "9223372036854775808", "%00", "1%2F2", "%C3%28"):
        answer = almanac.get(path.format(bad))
        assert answer.status_code == 400, (bad, answer.text)


def test_sync_ids_are_uuids(catalog, almanac):
    provider = catalog.create(URL)
    answer = almanac.get(f"/api/v1/providers/{provider}/syncs/17")
    assert code(answer) == (400, "invalid_parameters")
    assert faults(answer)["syncId"][0] == "format"


def test_a_run_of_another_provider_is_not_found(catalog, almanac):
    one, other = catalog.create(URL), catalog.create(URL)
    run = catalog.wait_for_syncs(one, 1)[0]["syncId"]
    assert almanac.get(f"/api/v1/providers/{one}/syncs/{run}").status_code == 200
    assert code(almanac.get(f"/api/v1/providers/{other}/syncs/{run}")) == (404, "sync_not_found")


# --- changing -------------------------------------------------------------------------------------


def test_change_what_is_given(catalog, almanac):
    provider = catalog.create(URL, name="before", timezone="Europe/Madrid", intervalSeconds=60)
    before = catalog.provider(provider)
    answer = almanac.patch(f"/api/v1/providers/{provider}", {"name": "after"})
    assert answer.status_code == 200
    after = answer.json()
    assert list(after) == PROVIDER
    assert {name: after[name] for name in PROVIDER[:5]} == \
        {**{name: before[name] for name in PROVIDER[:5]}, "name": "after"}
    assert after["updatedAt"] > before["updatedAt"]
    assert after["createdAt"] == before["createdAt"]
    answer = almanac.patch(f"/api/v1/providers/{provider}", {
        "url": URL + "?2", "timezone": "UTC", "intervalSeconds": 86400})
    assert {name: answer.json()[name] for name in PROVIDER[1:5]} == {
        "name": "after", "url": URL + "?2", "timezone": "UTC", "intervalSeconds": 86400}
    assert catalog.provider(provider)["url"] == URL + "?2"


def test_an_empty_change_changes_nothing(catalog, almanac):
    provider = catalog.create(URL, timezone="Europe/Madrid", intervalSeconds=7200)
    before = catalog.provider(provider)
    answer = almanac.patch(f"/api/v1/providers/{provider}", {})
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in PROVIDER[:5]} == \
        {name: before[name] for name in PROVIDER[:5]}


def test_a_name_may_be_changed_to_itself_but_not_to_a_taken_one(catalog, almanac):
    provider = catalog.create(URL, name="mine")
    catalog.create(URL, name="theirs")
    path = f"/api/v1/providers/{provider}"
    assert almanac.patch(path, {"name": "mine"}).status_code == 200
    assert code(almanac.patch(path, {"name": "theirs"})) == (409, "provider_name_taken")
    assert catalog.provider(provider)["name"] == "mine"


@pytest.mark.parametrize("body, expected", [case for case in BAD_FIELDS if "required" not in
                                            case[1].values()])
def test_bad_changes_are_all_named(body, expected, catalog, almanac):
    provider = catalog.create(URL)
    answer = almanac.patch(f"/api/v1/providers/{provider}", body)
    assert code(answer) == (422, "invalid_body")
    assert {field: rule for field, (rule, _) in faults(answer).items()} == expected


def test_other_bad_changes(catalog, almanac):
    provider = catalog.create(URL)
    path = f"/api/v1/providers/{provider}"
    assert code(almanac.patch(path, {"timezone": "Mars/Phobos"})) == \
        (422, "provider_timezone_unknown")
    assert code(almanac.patch("/api/v1/providers/999999", {"name": "x"})) == \
        (404, "provider_not_found")
    assert code(almanac.patch(path, data=b"{", headers=AS_JSON)) == \
        (400, "bad_json")
    assert code(almanac.patch(path, data=b"{}")) == (415, "not_json")


def test_another_url_is_read_whole(catalog, world):
    world.serve("/one", sample("01"), etag=True)
    world.serve("/two", sample("01"), etag=True)
    provider = catalog.provide(world.url("/one"))
    catalog.almanac.patch(f"/api/v1/providers/{provider}", {"url": world.url("/two")})
    newest = catalog.wait_for_syncs(provider, 2)[0]
    request, = world.wait_for(1, "/two")
    assert "If-None-Match" not in request.headers
    assert (newest["notModified"], newest["unchanged"]) == (False, 3)


def test_another_timezone_moves_the_instants(catalog, world):
    world.serve("/feed", one_event(), etag=True)
    provider = catalog.provide(world.url("/feed"))
    times = "SELECT starts_at FROM catalog_events WHERE provider_id = %s"
    (before,), = catalog.query(times, provider)
    catalog.almanac.patch(f"/api/v1/providers/{provider}", {"timezone": "Europe/Madrid"})
    newest = catalog.wait_for_syncs(provider, 2)[0]
    assert newest["updated"] == 1
    (after,), = catalog.query(times, provider)
    assert (before - after).total_seconds() == 7200


# --- deleting -------------------------------------------------------------------------------------


def test_delete(catalog, almanac):
    provider = catalog.create(URL)
    path = f"/api/v1/providers/{provider}"
    answer = almanac.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for again in (almanac.get(path), almanac.delete(path), almanac.patch(path, {"name": "x"}),
                  almanac.post(path + "/sync"), almanac.get(path + "/syncs")):
        assert code(again) == (404, "provider_not_found")
    assert provider not in [item["id"] for item in walk(almanac, "/api/v1/providers")]


# --- lists ----------------------------------------------------------------------------------------


def test_lists_are_walked_by_cursor(catalog, almanac):
    made = [catalog.create(URL) for _ in range(7)]
    for limit in (1, 2, 3, 7, 1000):
        walked = [item["id"] for item in walk(almanac, f"/api/v1/providers?limit={limit}")]
        assert walked == sorted(walked)
        assert [number for number in walked if number in made] == made


def test_limits_are_lowered(almanac):
    assert almanac.get("/api/v1/providers?limit=5000").status_code == 200
    for bad in ("0", "-1", "x", "1.5", "1e3", "99999999999999999999x"):
        answer = almanac.get(f"/api/v1/providers?limit={bad}")
        assert code(answer) == (400, "invalid_parameters")
        assert list(faults(answer)) == ["limit"]


@pytest.mark.parametrize("bad", ["%", "é", "a", "====", "1", as_cursor("x"), as_cursor("1.5"),
                                 as_cursor("1 OR true"), as_cursor("99999999999999999999"),
                                 as_cursor("\0"),
                                 pytest.param("A" * 2000, id="long")])
def test_bad_cursors(bad, almanac, catalog):
    assert list(faults(almanac.get("/api/v1/providers", params={"cursor": bad}))) == ["cursor"]
    provider = catalog.create(URL)
    path = f"/api/v1/providers/{provider}/syncs"
    assert list(faults(almanac.get(path, params={"cursor": bad}))) == ["cursor"]


@pytest.mark.parametrize("bad", ["2026-02-30 00:00:00+00|" + str(uuid.UUID(int=1)),
                                 "2026-02-01 00:00:00+00|x", "now|" + str(uuid.UUID(int=1)), "|"])
def test_bad_cursors_of_runs(bad, almanac, catalog):
    provider = catalog.create(URL)
    answer = almanac.get(f"/api/v1/providers/{provider}/syncs?cursor={as_cursor(bad)}")
    assert list(faults(answer)) == ["cursor"]


def test_lists_can_be_revalidated(almanac, catalog):
    provider = catalog.create(URL)
    catalog.wait_for_syncs(provider, 1)
    for path in (f"/api/v1/providers/{provider}", "/api/v1/providers?limit=1"):
        first = almanac.get(path)
        again = almanac.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert almanac.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


# --- sync runs ------------------------------------------------------------------------------------


def test_sync_on_request(catalog, almanac, world):
    world.serve("/feed", sample("01"))
    provider = catalog.provide(world.url("/feed"))
    answer = almanac.post(f"/api/v1/providers/{provider}/sync")
    run = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/providers/{provider}/syncs/{run['syncId']}"
    assert list(run) == ["syncId", "providerId", "status", "queuedAt", "startedAt"]
    assert (run["providerId"], run["status"], run["startedAt"]) == (provider, "queued", None)
    over = catalog.wait_for_end(answer.headers["Location"])
    assert (over["syncId"], over["reason"]) == (run["syncId"], "request")


def test_asking_again_gives_the_same_run(catalog, almanac, world):
    world.serve("/feed", sample("01"))
    provider = catalog.provide(world.url("/feed"))
    world.serve("/feed", sample("02"), delay=1)
    path = f"/api/v1/providers/{provider}/sync"
    first = almanac.post(path)
    world.wait_for(2, "/feed")
    again = [almanac.post(path) for _ in range(3)]
    assert {answer.headers["Location"] for answer in again} == {first.headers["Location"]}
    assert {answer.json()["status"] for answer in again} == {"running"}
    catalog.wait_for_end(first.headers["Location"])
    assert len(world.requests_to("/feed")) == 2
    assert almanac.post(path).headers["Location"] != first.headers["Location"]


def test_the_record_of_a_run(catalog, world):
    body = sample("02").read_bytes()
    world.serve("/feed", body, gzip=True)
    provider = catalog.provide(world.url("/feed"))
    run = catalog.syncs(provider)[0]
    assert list(run) == RUN
    assert {name: run[name] for name in RUN if name not in (
        "syncId", "queuedAt", "startedAt", "finishedAt", "wireBytes", "problems")} == {
            "providerId": provider, "status": "partial", "reason": "schedule", "attempts": 1,
            "httpStatus": 200, "notModified": False, "bodyBytes": len(body), "events": 3,
            "zones": 5, "created": 2, "updated": 0, "unchanged": 0, "rejected": 1, "vanished": 0,
            "problemCount": 1, "error": None}
    assert 0 < run["wireBytes"] < len(body) / 2
    assert run["problems"] == [{
        "base_id": "504", "event_id": "1700", "field": "start_date",
        "message": "is not a date or date-time", "value": "2026-09-31T20:00:00"}]
    times = [run[name] for name in ("queuedAt", "startedAt", "finishedAt")]
    assert all(MOMENT.fullmatch(time) for time in times)
    assert times == sorted(times)


def test_a_hundred_problems_are_told_and_all_are_counted(catalog, world):
    bad = "".join(f'<event event_id="{number}" event_start_date="{"x" * 300}"/>'
                  for number in range(150))
    world.serve("/feed", "<eventList><output><base_event base_event_id='1' sell_mode='online' "
                         f"title='t'>{bad}</base_event></output></eventList>")
    provider = catalog.provide(world.url("/feed"))
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["rejected"], run["problemCount"]) == ("partial", 150, 150)
    assert [problem["event_id"] for problem in run["problems"]] == [str(n) for n in range(100)]
    assert run["problems"][0]["value"] == "x" * 200


def test_values_in_problems_are_valid_text_also_when_cut(catalog, world):
    world.serve("/feed", "<eventList><output><base_event base_event_id='1' sell_mode='online' "
                         f"title='t'><event event_id='1' event_start_date='{'x' + 'é' * 150}'/>"
                         "</base_event></output></eventList>")
    provider = catalog.provide(world.url("/feed"))
    value = catalog.syncs(provider)[0]["problems"][0]["value"]
    assert value.startswith("xé")
    assert "�" not in value


def test_problems_of_enormous_ids_are_cut(catalog, world):
    bad = "".join(f'<base_event base_event_id="{"é" * 4000}" sell_mode="online" title="t">'
                  f'<event event_id="{"&#9;" * 8000}" event_start_date="{"&lt;" * 8000}"/>'
                  "</base_event>" for _ in range(120))
    world.serve("/feed", f"<eventList><output>{bad}</output></eventList>")
    provider = catalog.provide(world.url("/feed"))
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["rejected"], len(run["problems"])) == ("partial", 120, 100)
    assert run["problems"][0]["base_id"] == "é" * 100


def test_runs_are_listed_newest_first_and_walked(catalog, almanac, world):
    world.serve("/feed", sample("01"))
    provider = catalog.provide(world.url("/feed"))
    made = [catalog.syncs(provider)[0]["syncId"]]
    for _ in range(6):
        made.insert(0, catalog.sync(provider)["syncId"])
    for limit in (1, 2, 3, 7, 100):
        walked = walk(almanac, f"/api/v1/providers/{provider}/syncs?limit={limit}")
        assert [run["syncId"] for run in walked] == made


def test_a_provider_without_runs(almanac, catalog, postgres):
    provider = catalog.create(URL)
    catalog.wait_for_syncs(provider, 1)
    catalog.query("DELETE FROM catalog_syncs WHERE provider_id = %s", provider)
    answer = almanac.get(f"/api/v1/providers/{provider}/syncs")
    assert (answer.status_code, answer.json()) == (200, {"data": [], "next": None})


def test_a_cursor_past_the_end_gives_an_empty_list(almanac, catalog):
    provider = catalog.create(URL)
    catalog.wait_for_syncs(provider, 1)
    end = as_cursor("2000-01-01 00:00:00+00|" + str(uuid.UUID(int=1)))
    answer = almanac.get(f"/api/v1/providers/{provider}/syncs?cursor={end}")
    assert answer.json() == {"data": [], "next": None}
    answer = almanac.get(f"/api/v1/providers?cursor={as_cursor(str(2 ** 62))}")
    assert answer.json() == {"data": [], "next": None}
