"""The canonical search, GET /api/v1/events, and GET /api/v1/events/{uuid}."""

import datetime
import decimal
import re
import uuid

import pytest

from harness.catalog import Catalog, as_cursor
from harness.feeds import base, event, feed, one_event, zone
from harness.library import FOREVER, parse, z

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def ask(almanac, status=200, **parameters):
    answer = almanac.get("/api/v1/events", params=parameters)
    assert answer.status_code == status, answer.text
    return parse(answer.text)


def rows(found):
    return [event_.row() for event_ in found]


def walk(almanac, limit, **parameters):
    """All rows of a search, page by page by `next`."""
    found, cursor = [], None
    while True:
        told = ask(almanac, limit=limit, cursor=cursor, **parameters)
        assert len(told["data"]) == limit or told["next"] is None
        found += told["data"]
        cursor = told["next"]
        if cursor is None:
            return found


def decimal_text(text):
    return decimal.Decimal(text)


# --- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("match", ["within", "starts", "overlaps"])
def test_windows(match, library, searched):
    for first, last in library.windows(40, seed=3):
        told = ask(searched, startsAt=z(first), endsAt=z(last), match=match, limit=1000)
        assert told["data"] == rows(library.find(match, (first, last)))
        assert (told["next"], told["limit"]) == (None, 1000)


def test_within_is_the_default(library, searched):
    first, last = next(library.windows(1, seed=4))
    assert ask(searched, startsAt=z(first), endsAt=z(last), limit=1000)["data"] == \
        rows(library.find("within", (first, last)))


@pytest.mark.parametrize("match", ["within", "starts", "overlaps"])
def test_open_windows(match, library, searched):
    middle = library.find()[150].start
    assert ask(searched, startsAt=z(middle), match=match, limit=1000)["data"] == \
        rows(library.find(match, (middle, FOREVER[1])))
    assert ask(searched, endsAt=z(middle), match=match, limit=1000)["data"] == \
        rows(library.find(match, (FOREVER[0], middle)))
    assert ask(searched, match=match, limit=1000)["data"] == rows(library.find(match))


def test_bounds_are_inclusive(library, searched):
    chosen = next(found for found in library.find() if found.end and found.end > found.start)
    second = datetime.timedelta(seconds=1)

    def has(match, first, last):
        told = ask(searched, startsAt=z(first), endsAt=z(last), match=match, limit=1000)
        return chosen.uuid in [row["id"] for row in told["data"]]

    assert has("within", chosen.start, chosen.end)
    assert not has("within", chosen.start + second, chosen.end)
    assert not has("within", chosen.start, chosen.end - second)
    assert has("starts", chosen.start, chosen.start)
    assert not has("starts", chosen.start + second, chosen.end)
    assert has("overlaps", chosen.end, chosen.end + second)
    assert has("overlaps", chosen.start - second, chosen.start)
    assert not has("overlaps", chosen.end + second, chosen.end + second)
    assert not has("overlaps", chosen.start - second, chosen.start - second)


def test_an_event_without_end_ends_as_it_starts(library, searched):
    chosen = next(found for found in library.find() if found.end is None)
    for match in ("within", "starts", "overlaps"):
        told = ask(searched, startsAt=z(chosen.start), endsAt=z(chosen.start), match=match,
                   limit=1000)
        assert chosen.uuid in [row["id"] for row in told["data"]]


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 7, 100, 378, 1000])
def test_a_walk_sees_every_row_once_and_in_order(limit, library, searched):
    if limit == 1:
        window = library.find()[20].start, library.find()[60].last
        assert walk(searched, 1, startsAt=z(window[0]), endsAt=z(window[1])) == \
            rows(library.find("within", window))
    else:
        assert walk(searched, limit) == rows(library.find())


def test_links_lead_to_the_next_page(library, searched):
    answer = searched.get("/api/v1/events?limit=150&x=%C3%A9%3C%3E&match=starts")
    found = parse(answer.text)["data"]
    while "next" in answer.links:
        assert answer.links["next"]["url"].startswith("/api/v1/events?limit=150&x=%C3%A9%3C%3E")
        answer = searched.get(answer.links["next"]["url"])
        found += parse(answer.text)["data"]
    assert found == rows(library.find("starts"))


def test_limits(library, searched):
    assert ask(searched)["limit"] == 100
    assert len(ask(searched)["data"]) == 100
    assert ask(searched, limit=1000)["limit"] == 1000
    for huge in ("1001", "99999", "9223372036854775807"):
        told = ask(searched, limit=huge)
        assert (told["limit"], len(told["data"])) == (1000, len(library.find()))


@pytest.mark.parametrize("parameters", [{}, {"q": "jazz"}, {"sort": "title"}, {"minPrice": "5"}])
def test_totals(parameters, library, searched):
    assert "total" not in ask(searched, limit=3, **parameters)
    assert "total" not in ask(searched, limit=3, total="false", **parameters)
    whole = len(walk(searched, 100, **parameters))
    told = ask(searched, limit=3, total="true", **parameters)
    assert (len(told["data"]), told["total"]) == (3, whole)
    further = ask(searched, limit=3, total="true", cursor=told["next"], **parameters)
    assert further["total"] == whole
    last = library.find()[-1]
    assert ask(searched, total="true", startsAt="2036-01-01", **parameters)["total"] == 0
    if not parameters:
        end = as_cursor(f"start|{int(last.start.timestamp() + 10 ** 9) * 10 ** 6}|1")
        told = ask(searched, total="true", cursor=end)
        assert (told["data"], told["next"], told["total"]) == ([], None, whole)


def test_an_answer_as_it_is_written(searched):
    answer = searched.get("/api/v1/events?startsAt=2036-01-01&total=true")
    assert answer.text == '{"data":[],"next":null,"limit":100,"total":0}\n'
    answer = searched.get("/api/v1/events?q=nada&limit=5")
    assert answer.text == '{"data":[],"next":null,"limit":5}\n'


# --- orders ---------------------------------------------------------------------------------------


FAR = decimal.Decimal("Infinity")


def by_bytes(event_):
    return event_.title.lower().encode()


ORDERS = {
    "start": lambda found: sorted(found, key=lambda e: (e.start, e.id)),
    "-start": lambda found: sorted(sorted(found, key=lambda e: e.id), key=lambda e: e.start,
                                   reverse=True),
    "price": lambda found: sorted(found, key=lambda e: (FAR if e.low is None else e.low, e.id)),
    "-price": lambda found: sorted(found, key=lambda e: (FAR if e.high is None else -e.high,
                                                         e.id)),
    "title": lambda found: sorted(found, key=lambda e: (by_bytes(e), e.id)),
    "-title": lambda found: sorted(sorted(found, key=lambda e: e.id), key=by_bytes, reverse=True),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [13, 1000])
def test_orders_and_their_walks(order, limit, library, searched):
    """Python's sort is stable, also in reverse: equal keys stay in the order of ids."""
    assert walk(searched, limit, sort=order) == rows(ORDERS[order](library.find()))


@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_a_part(order, library, searched):
    first, last = library.find()[30].start, library.find()[300].start
    found = library.find("starts", (first, last), lambda e: "Jazz" in e.title)
    assert walk(searched, 4, sort=order, q="jazz", match="starts", startsAt=z(first),
                endsAt=z(last)) == rows(ORDERS[order](found))


def test_walks_over_long_and_odd_titles(start_almanac, world):
    titles = ["ñ" * 1000, "ñ" * 999 + "a", "a|b|c", "a|b", "|", "", "日本語" * 200, 'say "x"', "%",
              "a"]
    events = [base(number, title, event(1, "2026-05-01T20:00:00", None, zone("1")))
              for number, title in enumerate(titles * 2)]
    world.serve("/feed", feed(*events))
    almanac = start_almanac()
    Catalog(almanac).provide(world.url("/feed"))
    for order in ("title", "-title"):
        whole = ask(almanac, sort=order, limit=1000)["data"]
        assert len({row["id"] for row in whole}) == 20
        assert walk(almanac, 1, sort=order) == whole
        assert walk(almanac, 3, sort=order) == whole


# --- filters --------------------------------------------------------------------------------------


def words_of(event_):
    return event_.title.lower().split()


QUESTIONS = {
    "jazz": lambda e: "jazz" in words_of(e),
    "JAZZ gala": lambda e: {"jazz", "gala"} <= set(words_of(e)),
    '"jazz gala"': lambda e: "jazz gala" in e.title.lower(),
    '"gala jazz"': lambda e: "gala jazz" in e.title.lower(),
    "jazz or circo": lambda e: {"jazz", "circo"} & set(words_of(e)),
    "-jazz": lambda e: "jazz" not in words_of(e),
    "gala -jazz": lambda e: "gala" in words_of(e) and "jazz" not in words_of(e),
    "ópera": lambda e: "ópera" in words_of(e),
    "jaz": lambda e: False,
    "jazz & | ! ( ) : * '": lambda e: "jazz" in words_of(e),
    "'; DROP TABLE catalog_events; --": lambda e: False,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_words(question, library, searched):
    found = rows(library.find(keep=QUESTIONS[question]))
    assert ask(searched, q=question, limit=1000)["data"] == found
    assert walk(searched, 11, q=question) == found


@pytest.mark.parametrize("question", ["-", "!", '"', '""', "or", "()", "   "])
def test_questions_without_words(question, searched):
    assert ask(searched, q=question)["data"] == []


def test_words_within_a_window(library, searched):
    for match in ("within", "starts", "overlaps"):
        for first, last in library.windows(8, seed=5):
            told = ask(searched, q="noche", startsAt=z(first), endsAt=z(last), match=match,
                       limit=1000)
            assert told["data"] == rows(library.find(match, (first, last),
                                                     lambda e: "noche" in words_of(e)))


@pytest.mark.parametrize("low, high", [("10", None), (None, "10"), ("5.50", "9.99"), ("0", "0"),
                                       ("19.999", "19.999"), ("20", None), ("12.000001", None),
                                       ("12.000002", "99"), ("100.000001", None)])
def test_prices(low, high, library, searched):
    """minPrice looks at the highest price, maxPrice at the lowest: what one could pay."""
    def is_priced(found):
        return found.prices and (low is None or found.high >= decimal_text(low)) and \
            (high is None or found.low <= decimal_text(high))

    told = ask(searched, minPrice=low, maxPrice=high, limit=1000)
    assert told["data"] == rows(library.find(keep=is_priced))


def test_providers(library, searched):
    for place, provider in enumerate(library.providers):
        told = ask(searched, provider=provider, limit=1000)
        assert told["data"] == rows(library.find(keep=lambda e, at=place: e.provider == at))
    assert ask(searched, provider=999999)["data"] == []


def test_available(library, searched):
    told = ask(searched, available="true", limit=1000)
    assert told["data"] == rows(library.find(keep=lambda e: e.is_available))
    assert 0 < len(told["data"]) < len(library.find())
    assert ask(searched, available="false", limit=1000)["data"] == rows(library.find())


def test_all_filters_together(library, searched):
    def is_wanted(found):
        return found.provider == 1 and found.is_available and found.low <= 10 and \
            found.high >= 5 and "gala" in words_of(found)

    found = library.find(keep=is_wanted)
    assert found
    assert walk(searched, 2, provider=library.providers[1], available="true", minPrice="5",
                maxPrice="10", q="gala", sort="-price") == rows(ORDERS["-price"](found))


def test_events_never_online_are_not_found(library, searched):
    hidden = next(found for found in library.events if not found.is_online)
    told = ask(searched, startsAt=z(hidden.start), endsAt=z(hidden.start), match="starts",
               limit=1000, offline="true")
    assert hidden.uuid not in [row["id"] for row in told["data"]]


# --- faults ---------------------------------------------------------------------------------------


FAULTS = {
    "startsAt=x": {"startsAt": "format"},
    "startsAt=2026-02-30": {"startsAt": "format"},
    "endsAt=infinity": {"endsAt": "format"},
    "startsAt=2026-01-02&endsAt=2026-01-01": {"endsAt": "order"},
    "match=contains": {"match": "choice"},
    "q=" + "x" * 201: {"q": "length"},
    "provider=0": {"provider": "minimum"},
    "provider=x": {"provider": "format"},
    "provider=9223372036854775808": {"provider": "maximum"},
    "minPrice=-1": {"minPrice": "format"},
    "minPrice=1e2": {"minPrice": "format"},
    "maxPrice=NaN": {"maxPrice": "format"},
    "maxPrice=1.0000001": {"maxPrice": "format"},
    "maxPrice=1234567890123": {"maxPrice": "format"},
    "available=yes": {"available": "format"},
    "sort=id": {"sort": "choice"},
    "limit=0": {"limit": "minimum"},
    "limit=-5": {"limit": "minimum"},
    "limit=ten": {"limit": "format"},
    "total=maybe": {"total": "format"},
    "cursor=%21": {"cursor": "format"},
    "limit=x&sort=x&match=x&startsAt=x": {"startsAt": "format", "match": "choice",
                                          "sort": "choice", "limit": "format"},
}


@pytest.mark.parametrize("query", FAULTS)
def test_faults_are_all_named(query, searched):
    answer = searched.get(f"/api/v1/events?{query}")
    problem = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == \
        (400, "application/problem+json")
    assert {name: problem[name] for name in ("type", "title", "status", "instance", "code")} == {
        "type": "urn:almanac:problem:invalid_parameters", "status": 400,
        "title": "Some parameters are not valid", "instance": "/api/v1/events",
        "code": "invalid_parameters"}
    assert {fault["field"]: fault["rule"] for fault in problem["errors"]} == FAULTS[query]
    first = problem["errors"][0]
    assert problem["detail"] == f"{first['field']} {first['message']}"


BAD_CURSORS = {
    None: ["start|1", "start|1|1|1|1", "-start|1|1|", "price|1|1|", "start|1|-1"],
    "price": ["start|1|1", "price|1|1|", "min_price|x|1|", "min_price|1", "min_price||1|",
              "min_price|1-2|1|", "min_price|--1|1|", "min_price|1.2.3|1|", "min_price|.|1|",
              "min_price|1.|1|", "min_price|-|1|", "min_price|NaN|1|", "min_price|1e9|1|",
              "min_price|" + "9" * 41 + "|1|", "-max_price|1|1|"],
    "title": ["title|0|x|a", "title|0|1", "-title|0|1|a"],
}


@pytest.mark.parametrize("order", BAD_CURSORS)
def test_cursors_that_were_never_given(order, searched):
    for text in BAD_CURSORS[order]:
        answer = searched.get("/api/v1/events", params={"sort": order, "cursor": as_cursor(text)})
        assert answer.status_code == 400, (text, answer.text)
        fault, = answer.json()["errors"]
        assert (fault["field"], fault["rule"]) == ("cursor", "format")


def test_a_cursor_of_another_order_is_refused(searched):
    cursors = {order: ask(searched, sort=order, limit=1)["next"] for order in ORDERS}
    for order in ORDERS:
        for other, given in cursors.items():
            answer = searched.get("/api/v1/events", params={"sort": order, "cursor": given})
            assert answer.status_code == (200 if order == other else 400)


# --- one event ------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [512, 0])
def test_one_event_with_all_that_is_known(memory, start_almanac, world):
    catalog = Catalog(start_almanac(CATALOG_MEMORY_MB=memory))
    zones = zone("15.50", zone_id="A1", capacity=3, name="Pl\"atea", numbered="true"), \
        zone("no", zone_id="A2", capacity="many", name="", numbered="perhaps")
    world.serve("/feed", feed(base("b/1", "Título", event(
        "e 1", "2026-05-01T20:00:00", "2026-05-01T22:30:00", *zones,
        sell_from="2026-01-01T00:00:00", sell_to="2026-05-01T19:00:00"))))
    provider = catalog.provide(world.url("/feed"), name="único", timezone="Europe/Madrid")
    found, = catalog.search()
    answer = catalog.almanac.get(f"/api/v1/events/{found['id']}")
    told = answer.json()
    assert list(told) == [*found, "provider", "starts_at", "ends_at", "sell_from", "sell_to",
                          "sold_out", "available", "online", "base_id", "event_id",
                          "first_seen_at", "last_seen_at", "zones"]
    assert {name: told[name] for name in found} == found
    assert {name: told[name] for name in list(told)[8:18]} == {
        "starts_at": "2026-05-01T18:00:00.000Z", "ends_at": "2026-05-01T20:30:00.000Z",
        "sell_from": "2025-12-31T23:00:00.000Z", "sell_to": "2026-05-01T17:00:00.000Z",
        "sold_out": False, "available": True, "online": True, "base_id": "b/1",
        "event_id": "e 1", "provider": {"id": provider, "name": "único"}}
    assert MOMENT.fullmatch(told["first_seen_at"])
    assert told["last_seen_at"] == catalog.provider(provider)["lastSyncedAt"]
    assert told["zones"] == [
        {"zone_id": "A1", "name": "Pl\"atea", "capacity": 3, "price": 15.5, "numbered": True},
        {"zone_id": "A2", "name": "", "capacity": None, "price": None, "numbered": None}]


def test_every_event_can_be_looked_up(library, searched):
    for found in library.events[::10]:
        told = parse(searched.get(f"/api/v1/events/{found.uuid}").text)
        row = found.row()
        assert {name: told[name] for name in row} == row
        assert told["available"] == found.is_available
        assert told["online"] == found.is_online
        assert [zone_["price"] for zone_ in told["zones"]] == \
            [decimal_text(price) for price in found.prices]


def test_uuids_in_capitals_are_the_same(library, searched):
    found = library.events[0]
    assert searched.get(f"/api/v1/events/{found.uuid.upper()}").json()["id"] == found.uuid


def test_events_that_are_not_there(searched):
    answer = searched.get(f"/api/v1/events/{uuid.UUID(int=7)}")
    assert (answer.status_code, answer.json()["code"]) == (404, "event_not_found")
    for bad in ("1", "x", "7b0c0b0e-6c5b-4c9a-9a52-0d6a2a1f9c1", "7b0c0b0e%206c5b"):
        answer = searched.get(f"/api/v1/events/{bad}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "uuid")


def test_the_timezone_of_a_provider_moves_only_instants(start_almanac, world):
    catalog = Catalog(start_almanac())
    world.serve("/feed", one_event(start="2026-03-29T02:30:00", end="2026-10-25T02:30:00"))
    catalog.provide(world.url("/feed"), timezone="Europe/Madrid")
    found, = catalog.search()
    told = catalog.almanac.get(f"/api/v1/events/{found['id']}").json()
    assert (told["start_time"], told["end_time"]) == ("02:30:00", "02:30:00")
    assert told["starts_at"] == "2026-03-29T01:30:00.000Z"
    assert told["ends_at"] in ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z")
