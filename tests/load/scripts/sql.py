"""Searches that ask the database, never twice the same, against pgbench with the same statement."""

import pathlib

import catalogs
from report import Row, per_second
from tools import Wrk, median, peer_script, pgbench

SQL = pathlib.Path(__file__).resolve().parents[3] / "sql" / "catalog"
VARIABLES = {"limit": 101, "no": "false"}

# A date that pgbench can make: 20260201.
DAY = ["\\set year random(2020, 2025)", "\\set month random(1, 12)", "\\set day random(1, 25)",
       "\\set from :year * 10000 + :month * 100 + :day"]

PEERS = {
    "words": ("search_text.sql",
              [*DAY, "\\set to :from + 50000",
               f"\\set word random({catalogs.FIRST_WORD}, {catalogs.LAST_WORD})"],
              {1: ":from", 2: ":to", 4: ":to", 8: ":no", 9: ":no", 12: ":limit", 13: ":no",
               14: ":word"}),
    "prices": ("search_window.sql",
               [*DAY, "\\set to :from + 2", "\\set low random(10, 59)", "\\set high random(40, 89)"],
               {1: ":from", 2: ":to", 4: ":to", 6: ":low", 7: ":high", 8: ":no", 9: ":no",
                12: ":limit", 13: ":no"}),
}

KINDS = {"words": ("words", catalogs.FIRST_WORD, catalogs.LAST_WORD), "prices": ("prices",)}


def run(yard):
    url = yard.catalog(yard.size.events)
    with yard.daemon(url, yard.size.events) as daemon:
        check(yard, url, daemon)
        wrk = Wrk(daemon.url())
        return [measure(yard, url, wrk, name) for name in PEERS]


def check(yard, url, daemon):
    word = str(catalogs.FIRST_WORD + 7)
    wanted = yard.query(url, "SELECT uuid::text FROM catalog_events WHERE title LIKE %s "
                             "ORDER BY starts_at, id", f"Evening {word} %")
    found = daemon.get("/api/v1/events", params={"q": word}).json()["data"]
    assert [row["id"] for row in found] == [uuid for uuid, in wanted]
    wanted = yard.query(url, "SELECT uuid::text FROM catalog_events WHERE max_price >= 80 "
                             "AND min_price <= 60 AND starts_at >= '2024-01-01' "
                             "AND ends_at <= '2024-03-01' ORDER BY starts_at, id LIMIT 1000")
    found = daemon.get("/api/v1/events", params={
        "startsAt": "2024-01-01", "endsAt": "2024-03-01", "minPrice": 80, "maxPrice": 60,
        "limit": 1000}).json()["data"]
    assert [row["id"] for row in found] == [uuid for uuid, in wanted]


def measure(yard, url, wrk, name):
    statement, draws, values = PEERS[name]
    script = yard.directory / f"{name}.pgbench"
    script.write_text(peer_script(SQL / statement, draws, values), encoding="utf-8")
    rates, peers = [], []
    for _ in range(yard.size.rounds):
        rates.append(wrk.ask(*KINDS[name], seconds=yard.size.seconds).must_be_good().rate)
        peers.append(pgbench(url, script, yard.size.seconds, VARIABLES))
    ratio = median([rate / peer for rate, peer in zip(rates, peers)])
    return Row(f"{statement} ({name})", per_second(median(rates)),
               f"pgbench {per_second(median(peers))}", f"{ratio:.2f}", "at least 0.6", ratio >= 0.6)
