"""One event by its UUID, with the answer cache off: the whole way through HTTP and SQL and back."""

import pathlib

from report import Row, per_second
from tools import Clock, Wrk, median, peer_script, pgbench

STATEMENT = pathlib.Path(__file__).resolve().parents[3] / "sql" / "catalog" / "event_find.sql"


def run(yard):
    url = yard.catalog(yard.size.events)
    keys = yard.directory / "keys"
    uuids = [uuid for uuid, in yard.query(url, "SELECT uuid::text FROM catalog_events")]
    keys.write_text("\n".join(uuids) + "\n", encoding="utf-8")
    with yard.daemon(url, yard.size.events, ANSWER_CACHE_MB=0) as daemon:
        check(daemon, uuids)
        return measure(yard, url, daemon, keys)


def check(daemon, uuids):
    for uuid in uuids[::len(uuids) // 5]:
        answer = daemon.get(f"/api/v1/events/{uuid}").json()
        assert answer["id"] == uuid and len(answer["zones"]) == 2, answer


def measure(yard, url, daemon, keys):
    wrk = Wrk(daemon.url())
    script = yard.directory / "key.pgbench"
    script.write_text(peer_script(STATEMENT, [f"\\set n random(1, {yard.size.events})"],
                                  {1: "md5(:n::text)"}), encoding="utf-8")
    costs, rates, peers = [], [], []
    for _ in range(yard.size.rounds):
        clock = Clock(daemon, yard.postgres)
        answers = wrk.ask("keys", keys, seconds=yard.size.seconds).must_be_good()
        costs.append([spent / answers.requests * 1e6 for spent in clock.spent()])
        rates.append(answers.rate)
        peers.append(pgbench(url, script, yard.size.seconds, {}))
    cost = median([sum(cost) for cost in costs])
    parts = [median([cost[place] for cost in costs]) for place in (0, 1)]
    ratio = median([rate / peer for rate, peer in zip(rates, peers)])
    return [
        Row("CPU of one request", f"{cost:.1f} µs",
            f"daemon {parts[0]:.1f}, PostgreSQL {parts[1]:.1f}", "", "at most 35 µs", cost <= 35),
        Row("rate", per_second(median(rates)), f"pgbench {per_second(median(peers))}",
            f"{ratio:.2f}"),
    ]
