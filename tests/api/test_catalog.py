"""Feeds become rows: the samples' traps, and what must not change anything."""

import pytest

from harness.catalog import Catalog, written
from harness.feeds import base, event, feed, one_event, sample, zone

WINDOW = "starts_at=2026-02-01T00:00:00Z&ends_at=2027-07-03T00:00:00Z"


@pytest.fixture
def catalog(almanac):
    return Catalog(almanac)


def row(title, start, end, low, high):
    """A search's row as text without its id; prices as they are written."""
    start_date, start_time = start.split("T") if "T" in start else (start, None)
    end_date, end_time = end.split("T") if end else (None, None)
    quoted = [f'"{text}"' if text is not None else "null"
              for text in (title, start_date, start_time, end_date, end_time)]
    return ('"title":{},"start_date":{},"start_time":{},"end_date":{},"end_time":{},'
            '"min_price":{},"max_price":{}').format(*quoted, low, high)


def written_rows(catalog, window=WINDOW):
    """The rows of /search as they are written, without ids."""
    text = catalog.almanac.get(f"/search?{window}").text
    body = text.removeprefix('{"data":[').removesuffix('],"error":null}\n')
    assert len(body) < len(text) - 20, text
    return [part.split(",", 1)[1].rstrip("}") for part in body.split("},{")] if body else []


def provide(catalog, world, body, **fields):
    world.serve("/feed", body)
    return catalog.provide(world.url("/feed"), **fields)


def counters(run):
    return {name: run[name] for name in ("created", "updated", "unchanged", "rejected", "vanished")
            if run[name]}


# --- the samples ----------------------------------------------------------------------------------


def test_three_moments_leave_what_each_event_was_last(catalog, world):
    world.script("/feed", [{"body": sample(name)} for name in ("01", "02", "03")])
    provider = catalog.provide(world.url("/feed"))
    first = catalog.syncs(provider)[0]
    assert (first["status"], counters(first)) == ("succeeded", {"created": 3})
    second = catalog.sync(provider)
    assert second["status"] == "partial"
    assert counters(second) == {"updated": 2, "vanished": 1, "rejected": 1}
    assert [problem["base_id"] for problem in second["problems"]] == ["504"]
    third = catalog.sync(provider)
    assert (third["status"], counters(third)) == \
        ("succeeded", {"created": 1, "updated": 1, "vanished": 1})
    assert written_rows(catalog) == [
        row("Monologos", "2026-02-10T20:00:00", "2026-02-10T21:30:00", "55", "55"),
        row("Noche de jazz", "2026-06-30T21:00:00", "2026-06-30T21:30:00", "15", "30"),
        row("Gala lirica (nuevo horario)", "2026-07-31T20:00:00", "2026-07-31T21:20:00",
            "60", "75"),
    ]


def test_the_window_is_inclusive_and_holds_start_and_end(catalog, world):
    provide(catalog, world, sample("01"))
    exact = "starts_at=2026-02-10T20:00:00Z&ends_at=2026-02-10T21:30:00Z"
    assert catalog.titles(exact) == ["Monologos"]
    assert catalog.titles("starts_at=2026-02-10T20:00:01Z&ends_at=2026-02-10T21:30:00Z") == []
    assert catalog.titles("starts_at=2026-02-10T20:00:00Z&ends_at=2026-02-10T21:29:59Z") == []


def test_events_that_were_sold_out_stay(catalog, world):
    provider = provide(catalog, world, sample("03"))
    event_id = catalog.search(WINDOW)[0]["id"]
    told = catalog.almanac.get(f"/api/v1/events/{event_id}").json()
    assert (told["sold_out"], told["available"], told["provider"]["id"]) == (True, False, provider)


def test_plan_list(catalog, world):
    provide(catalog, world, sample("04"))
    assert written_rows(catalog) == [
        row("Doble sesion", "2026-02-10T20:00:00", "2026-02-10T21:30:00", "55", "55"),
        row("Doble sesion", "2026-02-11T20:00:00", "2026-02-11T21:30:00", "45.5", "45.5"),
        row("Sin fecha de fin", "2026-03-01T10:00:00", None, "9.99", "9.99"),
    ]
    assert set(catalog.rows()) == {("601", "1700"), ("601", "1701"), ("602", "1700")}


def test_legacy_dates_and_prices(catalog, world):
    provide(catalog, world, sample("05"))
    assert written_rows(catalog) == [row("Formato antiguo", "2026-06-30T21:00:00", None, "0", "20")]


def test_ids_used_again(catalog, world):
    provider = provide(catalog, world, sample("06"))
    assert written_rows(catalog) == [
        row("Primera repetida mas abajo", "2026-05-01T18:00:00", "2026-05-01T19:30:00",
            "12", "12"),
        row("Segunda", "2026-05-02T18:00:00", "2026-05-02T19:00:00", "33", "33"),
        row("Segunda", "2026-05-03T18:00:00", "2026-05-03T19:00:00", "34", "34"),
    ]
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["created"], run["events"]) == ("succeeded", 3, 4)
    assert set(catalog.rows()) == {("801", "9"), ("802", "9"), ("802", "10")}


def test_a_repeated_zone_counts_with_each_price(catalog, world):
    zones = [zone(price, zone_id=1) for price in ("10.00", "20.00", "10.00")]
    provide(catalog, world, feed(base(1, "Zonas", event(9, "2026-05-01T18:00:00", None, *zones))))
    found, = catalog.search(WINDOW)
    assert (found["min_price"], found["max_price"]) == (10, 20)
    told = catalog.almanac.get(f"/api/v1/events/{found['id']}").json()
    assert [zone["price"] for zone in told["zones"]] == [10, 20, 10]


def test_impossible_dates_are_told_and_the_rest_is_stored(catalog, world):
    provider = provide(catalog, world, sample("07"))
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["created"], run["rejected"]) == ("partial", 9, 13)
    stored = {int(base_id) - 900 for base_id, _ in catalog.rows()}
    assert stored == {11, 13, 14, 15, 16, 17, 19, 20, 21}
    told = {int(problem["base_id"]) - 900 for problem in run["problems"]}
    assert told == set(range(22)) - stored
    assert {problem["field"] for problem in run["problems"]} == {"start_date"}


def test_dates_are_told_as_the_feed_gave_them(catalog, world):
    provide(catalog, world, sample("07"))
    shown = {found["title"]: (found["start_date"], found["start_time"])
             for found in catalog.search()}
    assert shown["Fecha 11"] == ("2026-05-10", None)
    assert shown["Fecha 14"] == ("2026-05-10", "20:00:00")
    assert shown["Fecha 16"] == ("2026-05-10", "20:00:00")
    assert shown["Fecha 17"] == ("2026-05-10", "20:00:00")
    assert shown["Fecha 19"] == ("9999-12-31", "23:59:59")
    assert shown["Fecha 20"] == ("2028-02-29", "20:00:00")
    offset = "starts_at=2026-05-10T18:00:00Z&ends_at=2026-05-10T23:00:00Z"
    assert catalog.titles(offset)[0] == "Fecha 16"


def test_empty_shapes(catalog, world):
    provider = provide(catalog, world, sample("08"))
    assert written_rows(catalog) == [
        row("Sin zonas", "2026-04-01T10:00:00", "2026-04-01T11:00:00", "null", "null"),
        row("", "2026-04-02T10:00:00", "2026-04-02T11:00:00", "5", "5"),
        row("", "2026-04-03T10:00:00", "2026-04-03T11:00:00", "5", "5"),
    ]
    run = catalog.syncs(provider)[0]
    assert (run["status"], run["created"], run["rejected"]) == ("partial", 3, 0)
    told = {problem["base_id"]: (problem["field"], problem["message"])
            for problem in run["problems"]}
    assert told == {"1003": ("title", "is empty"), "1004": ("title", "is missing")}


def test_prices_are_exact_and_bad_ones_are_skipped(catalog, world):
    provider = provide(catalog, world, sample("09"))
    prices = {line.split('"')[3]: line.split('"min_price":')[1] for line in written_rows(catalog)}
    expected = {0: "0-10", 1: "7-7", 8: "15-19.999", 9: "15-99999999.99", 10: "0.1-0.2",
                11: "null-null", 12: "null-null", **{number: "15-15" for number in range(2, 8)}}
    assert prices == {
        "Zona sin precio": 'null,"max_price":null',
        **{f"Precio {number}": '{},"max_price":{}'.format(*both.split("-"))
           for number, both in expected.items()}}
    run = catalog.syncs(provider)[0]
    told = {problem["base_id"] for problem in run["problems"]}
    assert told == {"1101", "1102", "1103", "1104", "1105", "1106", "1107", "1111", "1112", "1150"}
    assert (run["status"], run["created"], run["rejected"]) == ("partial", 14, 0)


def test_an_event_that_goes_offline_keeps_its_online_values(catalog, world):
    world.script("/feed", [{"body": sample("20")}, {"body": sample("21")}, {"body": sample("20")}])
    provider = catalog.provide(world.url("/feed"))
    before = catalog.search()
    run = catalog.sync(provider)
    assert counters(run) == {"updated": 1}
    assert catalog.search() == before
    assert [found["title"] for found in before] == ["Cambia de modo"]
    told = catalog.almanac.get(f"/api/v1/events/{before[0]['id']}").json()
    assert told["online"] is False
    assert counters(catalog.sync(provider)) == {"updated": 1}
    assert catalog.almanac.get(f"/api/v1/events/{before[0]['id']}").json()["online"] is True


def test_offline_values_are_ignored_again_and_again_without_writing(catalog, world):
    later = sample("21").read_text().replace("8.00", "9.00")
    world.script("/feed", [{"body": sample("20")}, {"body": sample("21")}, {"body": later}])
    provider = catalog.provide(world.url("/feed"))
    catalog.sync(provider)
    versions = catalog.versions()
    assert counters(catalog.sync(provider)) == {"unchanged": 1}
    assert catalog.versions() == versions


def test_an_event_never_online_is_found_once_it_is(catalog, world):
    world.script("/feed", [{"body": sample("21")}, {"body": sample("20")}])
    provider = catalog.provide(world.url("/feed"))
    assert catalog.search() == []
    catalog.sync(provider)
    assert catalog.titles() == ["Cambia de modo"]


def test_child_elements_and_mixed_names(catalog, world):
    world.serve("/plans", sample("25"))
    catalog.provide(world.url("/plans"))
    mixed = sample("25").read_text().replace("planList", "eventList").replace(
        "Fechas como elementos", "Raíz mezclada").replace("2026-06-15", "2026-06-16")
    world.serve("/mixed", mixed)
    catalog.provide(world.url("/mixed"))
    assert written_rows(catalog) == [
        row("Fechas como elementos", "2026-06-15T17:00:00", "2026-06-15T20:00:00", "25", "25"),
        row("Raíz mezclada", "2026-06-16T17:00:00", "2026-06-16T20:00:00", "25", "25"),
    ]


def test_identity_is_stable(catalog, world):
    world.script("/feed", [{"body": sample(name)} for name in ("01", "02", "03", "01")])
    provider = catalog.provide(world.url("/feed"))
    keys = "SELECT base_id, event_id, id, uuid FROM catalog_events WHERE base_id <> '504'"
    first = set(catalog.query(keys))
    for _ in range(3):
        catalog.sync(provider)
    assert set(catalog.query(keys)) == first
    assert catalog.titles()[0] == "Monologos"


def test_the_same_ids_of_two_providers_are_two_events(catalog, world):
    world.serve("/one", one_event("Uno"))
    world.serve("/two", one_event("Dos"))
    catalog.provide(world.url("/one"))
    catalog.provide(world.url("/two"))
    found = catalog.search()
    assert sorted(event["title"] for event in found) == ["Dos", "Uno"]
    assert len({event["id"] for event in found}) == 2


def test_titles_come_through_as_written(catalog, world):
    title = 'Ñandú & «Ærø» <b>"quoted"</b> \\ 日本語 😀'
    provide(catalog, world, one_event(title))
    assert catalog.titles() == [title]


START = "2026-05-01T20:00:00"
FAULTY = {
    "no base id": (base(None, "t", event(1, START)), "base_id", "is missing", "rejected"),
    "empty base id": (base("", "t", event(1, START)), "base_id", "is missing", "rejected"),
    "long base id": (base("x" * 201, "t", event(1, START)), "base_id",
                     "must be at most 200 bytes long", "rejected"),
    "no event id": (base(1, "t", event(None, START)), "event_id", "is missing", "rejected"),
    "no start": (base(2, "t", event(1, None)), "start_date", "is missing", "rejected"),
    "long title": (base(3, "x" * 2001, event(1, START)), "title",
                   "must be at most 2000 bytes long", "rejected"),
    "bad end": (base(4, "t", event(1, START, "soon")), "end_date",
                "is not a date or date-time", "rejected"),
    "end before start": (base(5, "t", event(1, START, "2026-05-01T19:59:59")), "end_date",
                         "is before the start", "rejected"),
    "bad sale": (base(6, "t", event(1, START, sell_from="never")), "sell_from",
                 "is not a date or date-time", "stored"),
    "bad capacity": (base(7, "t", event(1, START, None, zone("1", capacity="-1"))), "capacity",
                     "must be a whole number", "stored"),
    "bad mode": (base(8, "t", event(1, START), sell_mode="maybe"), "sell_mode",
                 "must be online or offline: taken for offline", "stored"),
}


def test_other_faults_are_told_and_the_rest_is_stored(catalog, world):
    fine = base(9, "Todo bien", event(1, START, START, zone("1")))
    provider = provide(catalog, world, feed(*[fault[0] for fault in FAULTY.values()], fine))
    run = catalog.syncs(provider)[0]
    assert [(problem["field"], problem["message"]) for problem in run["problems"]] == \
        [(field, message) for _, field, message, _ in FAULTY.values()]
    rejected = sum(verdict == "rejected" for *_, verdict in FAULTY.values())
    assert (run["status"], run["rejected"], run["created"]) == ("partial", rejected, 4)
    assert catalog.titles() == ["t", "t", "Todo bien"]


def test_a_title_of_two_thousand_bytes_is_kept(catalog, world):
    provide(catalog, world, one_event("é" * 1000))
    assert catalog.titles() == ["é" * 1000]


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16"])
def test_encodings(encoding, catalog, world):
    text = one_event("Ñandú").replace("UTF-8", encoding)
    provide(catalog, world, text.encode(encoding))
    assert catalog.titles() == ["Ñandú"]


def test_spellings_of_xml_make_no_difference(catalog, world):
    """CDATA, comments, references, other elements and prefixes between."""
    provide(catalog, world, """<?xml version="1.0"?>
        <eventList xmlns:x="urn:x"><!-- a --><x:news><event/></x:news><output>
        <base_event base_event_id="1" sell_mode="online" x:title="no"
                    title="J&#97;zz &amp; m&#xE1;s">
        <extra><event_id>9</event_id></extra>
        <event event_id="1" sold_out="false">
        <event_start_date><![CDATA[2026-05-01]]>T20:<!-- b -->00:00
        </event_start_date><zone zone_id="1" capacity="5" price="5.0"><name>S</name></zone><other/>
        </event></base_event></output></eventList>""")
    assert written_rows(catalog) == [row("Jazz & más", START, None, "5", "5")]


def test_vanished_events_are_found_and_know_when_they_were_last_seen(catalog, world):
    world.script("/feed", [{"body": sample("01")}, {"body": sample("02")}])
    provider = catalog.provide(world.url("/feed"))
    gone, = catalog.search("starts_at=2026-02-10&ends_at=2026-02-11")
    before = catalog.almanac.get(f"/api/v1/events/{gone['id']}").json()
    assert before["last_seen_at"] == catalog.provider(provider)["lastSyncedAt"]
    catalog.sync(provider)
    after = catalog.almanac.get(f"/api/v1/events/{gone['id']}").json()
    assert after["last_seen_at"] == before["last_seen_at"]
    assert catalog.provider(provider)["lastSyncedAt"] > after["last_seen_at"]


def test_more_events_than_a_batch(catalog, world):
    bases = [base(number, f"Evento {number}",
                  event(1, f"2026-05-{1 + number % 28:02}T20:00:00", None, zone(number)))
             for number in range(1, 1801)]
    provider = provide(catalog, world, feed(*bases))
    assert counters(catalog.syncs(provider)[0]) == {"created": 1800}
    bases[777] = bases[777].replace("Evento", "Otro evento")
    del bases[1700:]
    world.serve("/feed", feed(*bases))
    assert counters(catalog.sync(provider)) == \
        {"updated": 1, "unchanged": 1699, "vanished": 100}
    assert len(catalog.search()) == 1800
    assert "Otro evento 778" in catalog.titles()


# --- nothing changes ------------------------------------------------------------------------------


ENTITIES = """<?xml version="1.0"?>
<!DOCTYPE eventList [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<eventList><output><base_event base_event_id="1" sell_mode="online" title="&b;"/></output>
</eventList>
"""

FAULTS = {
    "truncated": ({"body": sample("14")}, "not a whole feed"),
    "html": ({"body": sample("12"), "type": "text/html"}, "a DTD is not allowed"),
    "html page": ({"body": "<html><body>Mantenimiento</body></html>"},
                  "the root element is <html>"),
    "empty": ({"body": b""}, "not a whole feed"),
    "json": ({"body": b'{"events":[]}', "type": "application/json"}, "not a whole feed"),
    "other root": ({"body": b"<feed/>"}, "the root element is <feed>"),
    "entities": ({"body": ENTITIES}, "a DTD is not allowed"),
    "not found": ({"body": b"no", "status": 404}, "status 404"),
    "forbidden": ({"body": b"no", "status": 403}, "status 403"),
    "server error": ({"body": b"no", "status": 500}, "status 500"),
    "a feed as an error": ({"body": sample("03"), "status": 500}, "status 500"),
    "not modified, unasked": ({"body": b"", "status": 304}, "status 304"),
    "cut": ({"body": sample("03"), "cut": 0.5}, "cut after"),
    "reset": ({"reset": True}, ""),
    "reset in the middle": ({"body": sample("03"), "reset_after": 500}, "reset"),
    "bad gzip": ({"body": sample("03"), "headers": {"Content-Encoding": "gzip"}}, "compression"),
    "nobody listens": (None, "connection refused"),
}


@pytest.fixture(scope="module")
def impatient(start_module_almanac):
    """A catalog that asks once and waits for a second; each story has its own provider."""
    return Catalog(start_module_almanac(EVENTS_SYNC_ATTEMPTS=1, EVENTS_SYNC_TIMEOUT_SECONDS=1,
                                        EVENTS_FEED_MAX_MB=1))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_answer_changes_nothing_and_is_told(fault, impatient, world):
    trouble, said = FAULTS[fault]
    catalog = impatient
    provider = provide(catalog, world, sample("01"))
    before = catalog.versions(), catalog.search(), catalog.edition()
    if trouble is None:
        world.stop()
    else:
        world.serve("/feed", **trouble)
    run = catalog.sync(provider)
    assert (run["status"], counters(run)) == ("failed", {})
    assert said in run["error"]
    assert (catalog.versions(), catalog.search(), catalog.edition()) == before
    told = catalog.provider(provider)
    assert (told["lastStatus"], told["failures"], told["events"]) == ("failed", 1, 3)


def test_a_failure_is_forgotten_after_a_good_sync(catalog, world):
    world.script("/feed", [{"status": 404}, {"body": sample("01")}])
    provider = catalog.provide(world.url("/feed"))
    assert catalog.provider(provider)["failures"] == 1
    assert catalog.provider(provider)["lastSyncedAt"] is None
    assert catalog.sync(provider)["status"] == "succeeded"
    told = catalog.provider(provider)
    assert (told["failures"], told["lastStatus"], told["events"]) == (0, "succeeded", 3)


@pytest.mark.parametrize("trouble", [{"hang": True}, {"stall": 700}, {"drip": 1}])
def test_a_provider_that_takes_too_long(trouble, impatient, world):
    catalog = impatient
    provider = provide(catalog, world, sample("01"))
    before = catalog.versions(), catalog.search()
    world.serve("/feed", sample("03"), **trouble)
    run = catalog.sync(provider)
    assert (run["status"], run["error"]) == ("failed", "timed out after 1 s")
    assert (catalog.versions(), catalog.search()) == before


def test_a_feed_that_is_too_large(impatient, world):
    catalog = impatient
    provider = provide(catalog, world, sample("01"))
    before = catalog.versions()
    large = one_event() + "<!-- " + "x" * (2 << 20) + " -->"
    world.serve("/feed", large)
    run = catalog.sync(provider)
    assert (run["status"], run["attempts"]) == ("failed", 1)
    assert run["error"] == "the feed is larger than EVENTS_FEED_MAX_MB"
    world.serve("/feed", large, gzip=True)
    assert catalog.sync(provider)["error"] == run["error"]
    assert catalog.versions() == before


def test_search_answers_while_a_provider_hangs(catalog, world):
    provide(catalog, world, sample("01"))
    world.serve("/hangs", hang=True)
    hanging = catalog.create(world.url("/hangs"))
    world.wait_for(1, "/hangs")
    assert catalog.syncs(hanging)[0]["status"] == "running"
    for _ in range(50):
        assert catalog.almanac.get(f"/search?{WINDOW}", timeout=1).status_code == 200
    assert catalog.almanac.get("/api/v1/events?q=jazz", timeout=1).json()["data"]
    assert catalog.almanac.get("/readyz").status_code == 200


def test_search_answers_while_feeds_go_wrong(catalog, world):
    world.script("/feed", [{"body": sample("01")}, {"status": 404}, {"body": sample("14")},
                           {"body": sample("12")}, {"body": sample("02")}])
    provider = catalog.provide(world.url("/feed"))
    for _ in range(3):
        assert catalog.sync(provider)["status"] == "failed"
        assert catalog.titles() == ["Monologos", "Noche de jazz", "Gala lirica"]
    catalog.sync(provider)
    assert catalog.titles()[-1] == "Gala lirica (nuevo horario)"


# --- an unchanged feed writes nothing -------------------------------------------------------------


def spaced(text):
    """The same feed in other bytes."""
    return text.replace("\n", "\n\n").replace("<zone ", "<zone   ") + "<!-- made later -->\n"


UNCHANGED = {
    "304 by ETag": ({"etag": True}, lambda text: text, True),
    "304 by date": ({"last_modified": "784111777"}, lambda text: text, True),
    "same bytes": ({}, lambda text: text, True),
    "same bytes, compressed": ({"gzip": True}, lambda text: text, True),
    "other bytes": ({}, spaced, False),
    "other bytes in pieces": ({"chunked": True}, spaced, False),
}


@pytest.mark.parametrize("kind", UNCHANGED)
def test_an_unchanged_feed_writes_no_row(kind, start_almanac, database, world):
    trouble, change, is_not_modified = UNCHANGED[kind]
    text = sample("06").read_text()
    world.serve("/feed", text, **trouble)
    first = start_almanac()
    provider = Catalog(first).provide(world.url("/feed"))
    edition, etag = Catalog(first).edition(), first.get(f"/search?{WINDOW}").headers["ETag"]
    versions = Catalog(first).versions()
    first.terminate()
    before = written(database)
    assert before[0] == 3
    second = start_almanac()
    catalog = Catalog(second)
    world.serve("/feed", change(text), **trouble)
    for _ in range(3):
        run = catalog.sync(provider)
        assert (run["status"], counters(run)) == ("succeeded", {"unchanged": 3})
    assert catalog.syncs(provider)[-2]["notModified"] is is_not_modified
    assert (catalog.edition(), catalog.versions()) == (edition, versions)
    assert second.get(f"/search?{WINDOW}").headers["ETag"] == etag
    second.terminate()
    assert written(database) == before


def test_one_changed_event_writes_one_row(start_almanac, database, world):
    bases = [base(number, f"Evento {number}", event(1, "2026-05-01T20:00:00", None, zone("5")))
             for number in range(20)]
    world.serve("/feed", feed(*bases))
    first = start_almanac()
    provider = Catalog(first).provide(world.url("/feed"))
    first.terminate()
    inserted, updated, deleted = written(database)
    bases[7] = bases[7].replace('price="5"', 'price="6"')
    world.serve("/feed", feed(*bases))
    second = start_almanac()
    assert counters(Catalog(second).sync(provider)) == {"updated": 1, "unchanged": 19}
    second.terminate()
    assert written(database) == (inserted, updated + 1, deleted)


def test_every_value_of_an_event_is_compared(catalog, world):
    """A change of any value the feed gives is seen, also one that searches do not tell."""
    def text(**changes):
        given = {"title": "Uno", "start": "2026-05-01T20:00:00", "end": "2026-05-01T21:00:00",
                 "sold_out": "false", "sell_from": "2026-01-01T00:00:00",
                 "sell_to": "2026-02-01T00:00:00", "price": "5", "capacity": 7, "name": "Sala",
                 "zone_id": 1, "numbered": "true", **changes}
        zones = {name: given.pop(name)
                 for name in ("price", "capacity", "name", "zone_id", "numbered")}
        title = given.pop("title")
        return feed(base(1, title, event(1, given.pop("start"), given.pop("end"), zone(**zones),
                                         **given)))

    provider = provide(catalog, world, text())
    changes = [{"title": "Dos"}, {"start": "2026-05-01T20:00:01"}, {"end": "2026-05-01T21:00:01"},
               {"sold_out": "true"}, {"sell_from": "2026-01-01T00:00:01"},
               {"sell_to": "2026-02-01T00:00:01"}, {"price": "5.000001"}, {"capacity": 8},
               {"name": "Otra"}, {"zone_id": 2}, {"numbered": "false"}, {"end": None}]
    for change in changes:
        world.serve("/feed", text(**change))
        assert counters(catalog.sync(provider)) == {"updated": 1}, change
        assert counters(catalog.sync(provider)) == {"unchanged": 1}, change
