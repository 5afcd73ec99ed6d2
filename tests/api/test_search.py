"""The older searches: GET /search and GET /search/."""

import datetime

import pytest

from harness.catalog import Catalog, as_cursor
from harness.feeds import base, event, feed, one_event, zone
from harness.library import FOREVER, parse, z

JSON = "application/json"
PARIS = datetime.timezone(datetime.timedelta(hours=2))


def ask(almanac, path, status=200, **parameters):
    answer = almanac.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == JSON
    assert answer.text.endswith("}\n")
    return parse(answer.text)


def rows(found, id_of="uuid"):
    return [event_.row(id_of) for event_ in found]


# --- GET /search ----------------------------------------------------------------------------------


def test_search_gives_what_lies_within_the_window(library, searched):
    for first, last in library.windows(60):
        told = ask(searched, "/search", starts_at=z(first), ends_at=z(last))
        assert told == {"data": rows(library.find("within", (first, last))), "error": None}


def test_search_members_and_their_order(library, searched):
    text = searched.get("/search?starts_at=2026-03-01&ends_at=2026-04-01").text
    first = library.find()[0]
    assert text.startswith(f'{{"data":[{{"id":"{first.uuid}","title":"')
    assert list(parse(text)["data"][0]) == [
        "id", "title", "start_date", "start_time", "end_date", "end_time", "min_price",
        "max_price"]


def test_search_without_anything_found(searched):
    told = searched.get("/search?starts_at=2030-01-01&ends_at=2030-01-02")
    assert (told.status_code, told.text) == (200, '{"data":[],"error":null}\n')


def test_search_events_envelope(library, searched):
    window = library.find()[0].start, library.find()[0].start
    told = ask(searched, "/search", starts_at=z(window[0]), ends_at=z(window[1]),
               envelope="events")
    assert told == {"data": {"events": rows(library.find("within", window))}, "error": None}
    empty = searched.get("/search?starts_at=2030-01-01&ends_at=2030-01-02&envelope=events")
    assert empty.text == '{"data":{"events":[]},"error":null}\n'


def test_bounds_are_instants_however_they_are_written(library, searched):
    first, last = library.find()[3].start, library.find()[-9].start
    expected = rows(library.find("within", (first, last)))
    in_paris = first.replace(tzinfo=datetime.timezone.utc).astimezone(PARIS)
    spellings = [z(first), f"{first.isoformat()}", f"{first.isoformat()}.000Z",
                 f"{first.isoformat()}+00:00", in_paris.isoformat(),
                 f"{first:%Y-%m-%d %H:%M}", f"{first:%Y%m%dT%H%M%SZ}", z(first).lower()]
    for spelling in spellings:
        assert ask(searched, "/search", starts_at=spelling, ends_at=z(last))["data"] == expected


def test_a_date_alone_is_its_midnight(library, searched):
    told = ask(searched, "/search", starts_at="2026-03-02", ends_at="2026-03-09")
    window = datetime.datetime(2026, 3, 2), datetime.datetime(2026, 3, 9)
    assert told["data"] == rows(library.find("within", window))


SEARCH_FAULTS = [
    ("", "starts_at is required"),
    ("starts_at=2026-01-01", "ends_at is required"),
    ("ends_at=2026-01-01", "starts_at is required"),
    ("starts_at=&ends_at=2026-01-01", "starts_at is required"),
    ("starts_at=x&ends_at=2026-01-01", "starts_at must be a date or date-time (RFC 3339), "
                                       "for example 2026-02-01T20:00:00Z"),
    ("starts_at=2026-06-31&ends_at=2026-07-01", "starts_at must be a date or date-time (RFC "
                                                "3339), for example 2026-02-01T20:00:00Z"),
    ("starts_at=now&ends_at=infinity", "starts_at must be a date or date-time (RFC 3339), "
                                       "for example 2026-02-01T20:00:00Z"),
    ("starts_at=2026-01-02&ends_at=2026-01-01", "ends_at must not be before starts_at"),
    ("starts_at=2026-01-01&ends_at=2026-01-02&envelope=x", "envelope must be one of: events"),
    ("starts_at=2026-01-01&ends_at=2026-01-02&cursor=!", "cursor must be a cursor from an earlier "
                                                         "answer"),
    ("starts_at=2026-01-01&ends_at=2026-01-02&cursor=abc",
     "cursor must be the cursor of an earlier answer to the same search"),
]


@pytest.mark.parametrize("query, message", SEARCH_FAULTS)
def test_search_faults(query, message, searched):
    answer = searched.get(f"/search?{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, JSON)
    assert answer.text == f'{{"data":null,"error":{{"code":400,"message":"{message}"}}}}\n'


def test_search_faults_in_the_events_envelope(searched):
    answer = searched.get("/search?ends_at=2026-01-01&envelope=events")
    assert answer.status_code == 400
    assert answer.text == \
        '{"data":null,"error":{"code":"400","message":"starts_at is required"}}\n'


def test_equal_bounds_are_a_window(library, searched):
    instant = next(found for found in library.find() if found.end in (None, found.start)).start
    told = ask(searched, "/search", starts_at=z(instant), ends_at=z(instant))
    assert told["data"] == rows(library.find("within", (instant, instant)))
    assert told["data"]


def test_unknown_and_repeated_parameters(library, searched):
    text = searched.get("/search?starts_at=2020-01-01&x=1&starts_at=2026-03-02"
                        "&ends_at=2026-03-04&y").text
    window = datetime.datetime(2026, 3, 2), datetime.datetime(2026, 3, 4)
    assert parse(text)["data"] == rows(library.find("within", window))


# --- GET /search/ ---------------------------------------------------------------------------------


def test_search_all_compares_starts_and_tells_integers(library, searched):
    for first, last in library.windows(40):
        told = ask(searched, "/search/", starts_at=z(first), ends_at=z(last))
        assert told == {"data": rows(library.find("starts", (first, last)), "id"), "error": None}


def test_search_all_bounds_are_optional(library, searched):
    middle = library.find()[200].start
    assert ask(searched, "/search/")["data"] == rows(library.find(), "id")
    assert ask(searched, "/search/", starts_at=z(middle))["data"] == \
        rows(library.find("starts", (middle, FOREVER[1])), "id")
    assert ask(searched, "/search/", ends_at=z(middle))["data"] == \
        rows(library.find("starts", (FOREVER[0], middle)), "id")


def test_search_all_offline(library, searched):
    everything = rows(library.find(offline=True), "id")
    assert len(everything) > len(library.find())
    for flag in ("true", "1"):
        assert ask(searched, "/search/", offline=flag)["data"] == everything
    for flag in ("false", "0", ""):
        assert ask(searched, "/search/", offline=flag)["data"] == rows(library.find(), "id")


SEARCH_ALL_FAULTS = [
    ("starts_at=x", 400, '"Invalid starts_at date format. date: x"'),
    ("ends_at=2026-02-30", 400, '"Invalid ends_at date format. date: 2026-02-30"'),
    ("ends_at=%22%3Cb%3E", 400, r'"Invalid ends_at date format. date: \"<b>"'),
    ("starts_at=2026-01-02&ends_at=2026-01-01", 400, '"ends_at must not be before starts_at"'),
    ("cursor=!", 400, '"cursor must be a cursor from an earlier answer"'),
    ("cursor=abc", 400, '"cursor must be the cursor of an earlier answer to the same search"'),
    ("offline=maybe", 422, '[{"loc":["query","offline"],"msg":"value could not be parsed to a '
                           'boolean","type":"type_error.bool"}]'),
    ("offline=2&starts_at=x", 422, '[{"loc":["query","offline"],"msg":"value could not be parsed '
                                   'to a boolean","type":"type_error.bool"}]'),
]


@pytest.mark.parametrize("query, status, detail", SEARCH_ALL_FAULTS)
def test_search_all_faults(query, status, detail, searched):
    answer = searched.get(f"/search/?{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, JSON)
    assert answer.text == f'{{"detail":{detail}}}\n'


# --- memory and SQL tell the same -----------------------------------------------------------------


def test_memory_and_sql_answer_with_the_same_bytes(library):
    paths = ["/search/", "/search?starts_at=1970-01-01&ends_at=9999-12-31",
             "/api/v1/events", "/api/v1/events?limit=7&total=true", "/api/v1/events?limit=1000",
             "/events/?starts_at=2026-01-01&ends_at=2027-01-01&page=3",
             "/events/?starts_at=2026-01-01&ends_at=2027-01-01&page=99",
             "/events/?starts_at=2036-01-01&ends_at=2037-01-01"]
    for first, last in library.windows(25, seed=2):
        window = f"starts_at={z(first)}&ends_at={z(last)}"
        own = window.replace("starts_at", "startsAt").replace("ends_at", "endsAt")
        paths += [f"/search?{window}", f"/search?{window}&envelope=events", f"/search/?{window}",
                  f"/events/?{window}&pageSize=5", f"/events/?{window}&page=2&pageSize=3"]
        paths += [f"/api/v1/events?{own}&match={match}&limit=9&total=true"
                  for match in ("within", "starts", "overlaps")]
    for path in paths:
        answers = {way: almanac.get(path) for way, almanac in library.ways.items()}
        told = {(answer.status_code, answer.content, answer.headers.get("Link"))
                for answer in answers.values()}
        assert len(told) == 1, path


# --- long lists -----------------------------------------------------------------------------------


@pytest.fixture(name="long_list", scope="module")
def fixture_long_list(start_module_almanac, module_world):
    """More than 20,000 events, of which many begin at the same moment."""
    events = [event(number, f"2026-05-{1 + number % 3:02}T20:00:00", None, zone("1"))
              for number in range(20_011)]
    module_world.serve("/feed", feed(base(1, "Muchos", *events)))
    almanac = start_module_almanac()
    Catalog(almanac).provide(module_world.url("/feed"))
    sql = start_module_almanac(CATALOG_MEMORY_MB=0)
    Catalog(sql).settle()
    return {"memory": almanac, "sql": sql}


@pytest.mark.parametrize("source", ["memory", "sql"])
@pytest.mark.parametrize("path", ["/search?starts_at=2026-05-01&ends_at=2026-05-31",
                                  "/search?ends_at=2026-05-31&starts_at=2026-05-01&envelope=events",
                                  "/search/", "/search/?starts_at=2026-05-01"])
def test_a_long_list_is_cut_and_walked_to_its_end(path, source, long_list):
    seen, lengths = [], []
    while path:
        answer = long_list[source].get(path)
        data = answer.json()["data"]
        page = data["events"] if isinstance(data, dict) else data
        lengths.append(len(page))
        seen += [(row["start_date"], row["id"]) for row in page]
        assert ("next" in answer.links) == (len(lengths) < 3)
        path = answer.links["next"]["url"] if answer.links else None
    assert lengths == [10_000, 10_000, 11]
    assert len(set(seen)) == 20_011
    assert [date for date, _ in seen] == sorted(date for date, _ in seen)


def test_a_list_of_exactly_ten_thousand_has_no_next(long_list):
    answer = long_list["memory"].get("/search/?starts_at=2026-05-02")
    assert len(answer.json()["data"]) == 10_000
    rest = long_list["memory"].get(answer.links["next"]["url"])
    assert len(rest.json()["data"]) == 20_011 - 6_671 - 10_000
    assert "next" not in rest.links


# --- cursors --------------------------------------------------------------------------------------


BAD_CURSORS = ["start", "start|1", "start|1|x", "start|x|1", "start|1|-1", "start|1|1|1",
               "start|1|9223372036854775807", "start|9223372036854775807|1", "price|1|1|",
               "start|-9223372036854775808|1", "start|-250000000000000000|1", "start||",
               "START|1|1", "start|1|1\n", "start|1.5|1", "start|1|1;DROP TABLE jobs", "start|1|1|",
               "\x01\x02"]


@pytest.mark.parametrize("text", BAD_CURSORS)
def test_cursors_that_were_never_given(text, searched):
    for path in ("/search/?", "/search?starts_at=2026-01-01&ends_at=2026-12-31&"):
        answer = searched.get(f"{path}cursor={as_cursor(text)}")
        assert answer.status_code == 400, (text, answer.text)
        assert "cursor must be the cursor of an earlier answer" in answer.text


# --- timezones ------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [512, 0])
def test_windows_are_instants_and_dates_are_local(memory, start_almanac, world):
    catalog = Catalog(start_almanac(CATALOG_MEMORY_MB=memory))
    world.serve("/madrid", one_event("Madrid", "2026-07-01T21:00:00", "2026-07-01T23:00:00"))
    world.serve("/winter", one_event("Invierno", "2026-01-15T21:00:00", "2026-01-15T23:00:00"))
    world.serve("/given", one_event("Con zona", "2026-07-01T21:00:00-05:00", None))
    for name in ("madrid", "winter", "given"):
        catalog.provide(world.url(f"/{name}"), timezone="Europe/Madrid")
    madrid, = catalog.search("starts_at=2026-07-01T19:00:00Z&ends_at=2026-07-01T21:00:00Z")
    assert [madrid[name] for name in ("title", "start_date", "start_time", "end_time")] == \
        ["Madrid", "2026-07-01", "21:00:00", "23:00:00"]
    assert catalog.titles("starts_at=2026-07-01T21:00:00Z&ends_at=2026-07-01T23:00:00Z") == []
    local = "starts_at=2026-07-01T21:00:00%2B02:00&ends_at=2026-07-01T23:00:00%2B02:00"
    assert catalog.titles(local) == ["Madrid"]
    winter = "starts_at=2026-01-15T20:00:00Z&ends_at=2026-01-15T22:00:00Z"
    assert catalog.titles(winter) == ["Invierno"]
    given, = catalog.search("starts_at=2026-07-02T02:00:00Z&ends_at=2026-07-02T02:00:00Z")
    assert (given["start_date"], given["start_time"]) == ("2026-07-01", "21:00:00")
