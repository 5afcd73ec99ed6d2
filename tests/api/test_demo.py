"""The demo provider inside the daemon: something to find at once."""

import datetime
import xml.etree.ElementTree

from harness.catalog import Catalog
from harness.feeds import one_event
from harness.processes import wait_until

DAYS = 60


def providers(almanac):
    return [(item["name"], item["url"]) for item in almanac.get("/api/v1/providers").json()["data"]]


def test_a_fresh_database_finds_something_at_once(start_almanac):
    almanac = start_almanac(DEMO_PROVIDER=1)
    found = wait_until(lambda: almanac.get("/search/").json()["data"], 5, "events are found")
    assert len(found) == 2 * DAYS
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days = sorted({row["start_date"] for row in found})
    assert abs((datetime.date.fromisoformat(days[0]) - today).days) <= 1
    assert len(days) == DAYS
    assert {row["min_price"] for row in found} == {12.5, 0, 22, 9.9, 5}
    window = f"starts_at={days[0]}&ends_at={days[-1]}T23:59:59Z"
    assert len(almanac.get(f"/search?{window}").json()["data"]) == 2 * DAYS
    assert providers(almanac) == [("demo", "almanac:demo")]
    runs = "/api/v1/providers/1/syncs"
    wait_until(lambda: almanac.get(runs).json()["data"][0]["finishedAt"], 10, "the sync is over")
    run = almanac.get(runs).json()["data"][0]
    assert (run["status"], run["created"], run["problemCount"]) == ("succeeded", 2 * DAYS, 0)


def test_the_feed_is_a_path_of_its_own(almanac):
    answer = almanac.get("/demo/events.xml")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
    root = xml.etree.ElementTree.fromstring(answer.content)
    events = root.findall("./output/base_event/event")
    assert (root.tag, len(events)) == ("eventList", 2 * DAYS)
    assert len({found.get("event_id") for found in events}) == 2 * DAYS
    again = almanac.get("/demo/events.xml", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_second_sync_of_it_changes_nothing(start_almanac):
    catalog = Catalog(start_almanac(DEMO_PROVIDER=1))
    wait_until(lambda: len(catalog.almanac.get("/search/").json()["data"]) == 2 * DAYS)
    run = catalog.sync(1)
    assert (run["status"], run["created"] + run["updated"]) == ("succeeded", 0)


def test_the_daemon_reads_itself_only_where_loopback_is_allowed(start_almanac):
    catalog = Catalog(start_almanac(DEMO_PROVIDER=1, SOURCE_ALLOW="private"))
    wait_until(lambda: providers(catalog.almanac))
    run = catalog.wait_for_syncs(1, 1)[0]
    assert run["status"] == "failed"
    assert "SOURCE_ALLOW" in run["error"]


def test_it_is_not_put_back_once_deleted(start_almanac):
    first = start_almanac(DEMO_PROVIDER=1)
    wait_until(lambda: providers(first), 5)
    assert first.delete("/api/v1/providers/1").status_code == 204
    first.terminate()
    second = start_almanac(DEMO_PROVIDER=1)
    Catalog(second).settle()
    assert providers(second) == []
    assert second.get("/search/").json()["data"] == []


def test_it_is_offered_only_where_nobody_provides(start_almanac, world):
    world.serve("/feed", one_event())
    first = start_almanac(DEMO_PROVIDER=0)
    Catalog(first).provide(world.url("/feed"), name="own")
    first.terminate()
    second = start_almanac(DEMO_PROVIDER=1)
    Catalog(second).settle()
    assert [name for name, _ in providers(second)] == ["own"]


def test_without_the_setting_there_is_none(almanac):
    Catalog(almanac).settle()
    assert providers(almanac) == []


def test_two_daemons_offer_it_once(start_almanac):
    one, two = start_almanac(DEMO_PROVIDER=1), start_almanac(DEMO_PROVIDER=1)
    for almanac in (one, two):
        wait_until(lambda at=almanac: len(at.get("/search/").json()["data"]) == 2 * DAYS, 5)
        assert providers(almanac) == [("demo", "almanac:demo")]
