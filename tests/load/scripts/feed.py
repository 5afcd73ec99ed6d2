"""A feed of a million zones: the first sync, and syncs that find nothing new."""

import datetime
import subprocess
import time

import files
from harness.processes import wait_until
from report import Row, mebibytes

OVER = ("succeeded", "partial", "failed")
# Differs as soon as one row was inserted, deleted or written anew.
VERSIONS = "SELECT md5(string_agg(id || ' ' || ctid || ' ' || xmin, ' ' ORDER BY id)) FROM catalog_events"


def run(yard):
    url = yard.database()
    with files.serve(yard.feed()) as server, yard.daemon(url) as daemon:
        alone = read_alone(server)
        provider = daemon.post("/api/v1/providers", {"name": "big", "url": server.url}).json()["id"]
        first = wait_over(daemon, provider, 1)
        peak = daemon.peak_rss()
        check(yard, url, first)
        return [
            Row(f"first sync of {first['zones']:,} zones, {first['bodyBytes'] / 1e6:.0f} MB",
                f"{seconds(first):.1f} s", f"the bytes alone {alone:.2f} s", "", "at most 15 s",
                seconds(first) <= 15),
            Row("peak memory of the daemon", mebibytes(peak), "", "", "at most 64 MiB",
                peak <= 64 << 20),
            *again(yard, url, daemon, server, provider),
        ]


def read_alone(server):
    began = time.monotonic()
    subprocess.run(["curl", "-sf", "-o", "/dev/null", server.url], check=True)
    return time.monotonic() - began


def wait_over(daemon, provider, count):
    """The newest of `count` runs, when all are over."""
    def newest():
        runs = daemon.get(f"/api/v1/providers/{provider}/syncs").json()["data"]
        return len(runs) == count and runs[0]["status"] in OVER and runs[0]

    return wait_until(newest, 120, "the sync is over")


def seconds(run_):
    first, last = (datetime.datetime.fromisoformat(run_[name].replace("Z", "+00:00"))
                   for name in ("startedAt", "finishedAt"))
    return (last - first).total_seconds()


def check(yard, url, first):
    bases, events, zones = yard.size.feed
    assert first["status"] == "succeeded" and first["created"] == bases * events, first
    assert first["zones"] == bases * events * zones, first
    stored = yard.query(url, "SELECT count(*), sum(json_array_length(zones)) FROM catalog_events")
    assert stored == [(bases * events, bases * events * zones)], stored


def again(yard, url, daemon, server, provider):
    """Three ways in which nothing is new."""
    longer = yard.directory / "feed-longer.xml"
    longer.write_bytes(server.path.read_bytes() + b"<!-- as before -->\n")
    ways = [("again, the same bytes", server.path, False),
            ("again, other bytes that say the same", longer, True),
            ("again, 304", longer, True)]
    rows = []
    for place, (what, path, has_etag) in enumerate(ways):
        server.path, server.has_etag = path, has_etag
        before = yard.query(url, VERSIONS)
        daemon.post(f"/api/v1/providers/{provider}/sync")
        done = wait_over(daemon, provider, place + 2)
        assert yard.query(url, VERSIONS) == before, "rows were written"
        assert done["status"] == "succeeded", done
        assert done["httpStatus"] == (304 if "304" in what else 200), done
        rows.append(Row(what, f"{seconds(done):.2f} s", "no row written"))
    return rows
