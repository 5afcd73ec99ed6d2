"""The picture of a large catalog, built anew beside full load: how long that takes, and its weight."""

from harness.processes import wait_until
from report import Row, mebibytes, per_second
from tools import Wrk, median

LENGTH = 9000       # seconds; a window of about 20 rows
WAIT = 120
SPARE = 5           # seconds that the load begins before and ends after
REMOVED = """
    UPDATE catalog_state SET edition = edition + 1, removed_edition = edition + 1,
                             changed_at = now()
    RETURNING edition, pg_notify('almanac_catalog', edition::text)"""


def run(yard):
    events = yard.size.many_events
    url = yard.catalog(events)
    with yard.daemon(url, CATALOG_MEMORY_MB=1024) as daemon:
        before = daemon.rss()
        wait_until(lambda: daemon.metric("almanac_catalog_events") == events, WAIT, "the picture")
        weight = max(daemon.metric("almanac_catalog_memory_bytes"), daemon.rss() - before)
        idle = rebuild(yard, url, daemon)
        yard.check_windows(url, daemon, LENGTH)
        rounds = [beside_load(yard, url, daemon) for _ in range(max(yard.size.rounds // 2, 1))]
        yard.check_windows(url, daemon, LENGTH)
        return judge(yard, weight, idle, rounds, daemon)


def edition_told(daemon):
    """The edition of the picture that searches are answered from."""
    etag = daemon.get("/search", params={"starts_at": "2020-01-01", "ends_at": "2020-01-01"}).headers
    return int(etag["ETag"].strip('"').split("-")[1])


def rebuild(yard, url, daemon):
    """From nothing, as after a provider was deleted: seconds by the daemon's own words."""
    edition = yard.query(url, REMOVED)[0][0]
    wait_until(lambda: edition_told(daemon) == edition, WAIT, "the new picture")
    line = [line for line in daemon.read_log("catalog picture") if line["edition"] == str(edition)]
    assert int(line[0]["events"]) == yard.size.many_events, line
    return float(line[0]["ms"]) / 1000


def beside_load(yard, url, daemon):
    """(seconds, rate of searches meanwhile)"""
    wrk = Wrk(daemon.url())
    load = wrk.start("window", LENGTH, seconds=SPARE * yard.size.seconds)
    took = rebuild(yard, url, daemon)
    return took, wrk.finish(load).must_be_good().rate


def judge(yard, weight, idle, rounds, daemon):
    took = median([round_[0] for round_ in rounds])
    rate = median([round_[1] for round_ in rounds])
    events = yard.size.many_events
    return [
        Row(f"picture of {events:,} events, beside full load", f"{took:.1f} s",
            f"without load {idle:.1f} s", f"{took / idle:.1f}", "at most 5 s", took <= 5),
        Row("searches meanwhile", per_second(rate)),
        Row("memory of the picture", mebibytes(weight), "", f"{weight / events:.0f} bytes an event",
            "at most 350 MB", weight <= 350e6),
        Row("peak of the daemon, with the old and the new one", mebibytes(daemon.peak_rss())),
    ]
