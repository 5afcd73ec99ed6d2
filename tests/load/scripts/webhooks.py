"""Webhooks that create tasks at 64 connections, each durable when it is answered, against pgbench,
which inserts the same rows into the same tables, a task and the webhook that told it, and commits, in the
same run."""

import os
import re
import subprocess

from harness.postgres import BIN
from report import Row, milliseconds, per_second
from tools import Clock, Wrk, median

PEER_CLIENTS = 16
BODY = """CREATE FUNCTION peer_body(id text, user_id text) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to('{"event":"created","timestamp":"2026-01-01T10:00:00Z","metadata":{"userId":"' || user_id
                    || '","id":"' || id || '","content":"Buy milk and bread","isCompleted":false}}', 'UTF8')
$$"""
ROWS = """\\set n random(1, 9000000000000000000)
WITH webhook AS (
  INSERT INTO webhooks (received_at, status, kind, at, task_id, is_repeat, headers, body)
  VALUES (now(), 202, 0, '2026-01-01', 'peer-' || :n, false,
          '{"x-request-id":"0123456789abcdef","content-type":"application/json"}',
          peer_body('peer-' || :n, 'user-' || :n::bigint % 10000))
  RETURNING id, task_id
)
INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, newest_at, first_seen_at, created_webhook,
                   is_listed)
SELECT task_id, 'user-' || :n::bigint % 10000, 'Buy milk and bread', '2026-01-01', now(), '2026-01-01', now(), id, true
FROM webhook;
"""


def run(yard):
    url = yard.database()
    yard.query(url, BODY)
    with yard.daemon(url, REPORT_INTERVAL_SECONDS=86400) as daemon:
        wrk = Wrk(daemon.url())
        rates, costs, peers, tails, answered = [], [], [], [], 0
        for number in range(yard.size.rounds):
            clock = Clock(daemon, yard.postgres)
            answers = wrk.ask("tasks", f"run{number}", seconds=yard.size.seconds).must_be_good()
            costs.append([spent / answers.requests * 1e6 for spent in clock.spent()])
            rates.append(answers.rate)
            tails.append(answers.p99)
            answered += answers.requests
            peers.append(commits(yard, url))
        check(yard, url, answered)
    return judge(rates, costs, peers, tails)


def check(yard, url, answered):
    """Whatever was answered is there, once, with its webhook."""
    (tasks,), = yard.query(url, "SELECT count(*) FROM tasks")
    (webhooks,), = yard.query(url, "SELECT count(*) FROM webhooks WHERE status = 202")
    assert tasks == webhooks >= answered, (tasks, webhooks, answered)


def commits(yard, url):
    script = yard.directory / "task.pgbench"
    script.write_text(ROWS, encoding="utf-8")
    done = subprocess.run([BIN / "pgbench", "-n", "-M", "prepared", "-c", str(PEER_CLIENTS), "-j", "2",
                           "-T", str(yard.size.seconds), "-f", script, url], env=dict(os.environ),
                          text=True, capture_output=True, timeout=600, check=True)
    return float(re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)[1])


def judge(rates, costs, peers, tails):
    rate, peer, tail = median(rates), median(peers), median(tails)
    ratio = median([one / other for one, other in zip(rates, peers)])
    parts = [median([cost[place] for cost in costs]) for place in (0, 1)]
    return [
        Row("webhooks that create a task, 64 connections", per_second(rate), "", "",
            "at least 10,000/s", rate >= 10_000),
        Row("the same against commits one by one", "", f"pgbench -c {PEER_CLIENTS} {per_second(peer)}",
            f"{ratio:.1f}", "at least 2", ratio >= 2),
        Row("the same: p99", milliseconds(tail), "", "", "at most 30 ms", tail <= 30_000),
        Row("the same: CPU of one", f"{sum(parts):.0f} µs",
            f"daemon {parts[0]:.0f}, PostgreSQL {parts[1]:.0f}"),
    ]
