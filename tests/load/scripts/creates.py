"""Timers that are created: singly at 64 connections and by batches of 1,000, each durable when it is
answered, against rows that pgbench commits one by one in the same run."""

import os
import re
import subprocess

from harness.postgres import BIN
from report import Row, milliseconds, per_second
from tools import Clock, Wrk, median

SETTINGS = {"WEBHOOK_ALLOW": "loopback"}
PEER_CLIENTS = 16
ROW = """\\set n random(1, 1000000000)
INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, payload, max_attempts, timeout_ms,
                    created_at, request_id, traceparent)
VALUES (gen_random_uuid(), :n % 64, now() + interval '1 day', now() + interval '1 day', 'http://127.0.0.1:9',
        'http://127.0.0.1:9/hook', 'POST', '{"order":17}', 6, 10000, now(), '3e28d0807630c006',
        '00-0cb87d96a8390641efc915237b1fd185-efc915237b1fd185-00');
"""


def run(yard):
    url = yard.database()
    with yard.daemon(url, **SETTINGS) as daemon:
        wrk = Wrk(daemon.url())
        singles, costs, batches, peers, tails = [], [], [], [], []
        for _ in range(yard.size.rounds):
            clock = Clock(daemon, yard.postgres)
            answers = wrk.ask("timer", seconds=yard.size.seconds).must_be_good()
            costs.append([spent / answers.requests * 1e6 for spent in clock.spent()])
            singles.append(answers.rate)
            tails.append(answers.p99)
            batches.append(1000 * wrk.ask("timers", connections=8,
                                          seconds=yard.size.seconds).must_be_good().rate)
            peers.append(commits(yard, url))
            assert count(yard, url) > 0
            yard.query(url, "TRUNCATE timers")
    return judge(singles, costs, batches, peers, tails)


def count(yard, url):
    return yard.query(url, "SELECT count(*) FROM timers")[0][0]


def commits(yard, url):
    script = yard.directory / "row.pgbench"
    script.write_text(ROW, encoding="utf-8")
    done = subprocess.run([BIN / "pgbench", "-n", "-M", "prepared", "-c", str(PEER_CLIENTS), "-j", "2",
                           "-T", str(yard.size.seconds), "-f", script, url], env=dict(os.environ),
                          text=True, capture_output=True, timeout=600, check=True)
    return float(re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)[1])


def judge(singles, costs, batches, peers, tails):
    rate, peer, many = median(singles), median(peers), median(batches)
    ratio = median([one / other for one, other in zip(singles, peers)])
    parts = [median([cost[place] for cost in costs]) for place in (0, 1)]
    return [
        Row("durable creates, 64 connections", per_second(rate), "", "", "at least 10,000/s",
            rate >= 10_000),
        Row("the same against commits row by row", "", f"pgbench -c {PEER_CLIENTS} {per_second(peer)}",
            f"{ratio:.1f}", "at least 2", ratio >= 2),
        Row("the same: p99", milliseconds(median(tails))),
        Row("the same: CPU of one", f"{sum(parts):.0f} µs",
            f"daemon {parts[0]:.0f}, PostgreSQL {parts[1]:.0f}"),
        Row("by batches of 1,000", per_second(many), "", "", "at least 40,000/s", many >= 40_000),
    ]
