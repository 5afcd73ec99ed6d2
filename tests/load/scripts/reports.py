"""One report cycle over many users with 100 open tasks each: how long, in how much memory, and what a
search notices of it."""

import os
import time

from harness.processes import wait_until
from report import Row, mebibytes, milliseconds
from tools import Wrk, median

INTERVAL = 15
TASKS_EACH = 100
WINDOW = ("window", 86400)

FILL = """
    INSERT INTO tasks (id, user_id, content, created_at, created_seen_at, newest_at, first_seen_at, is_listed)
    SELECT 'task-' || n, 'user-' || n %% %s, 'Buy milk and bread, number ' || n,
           now() - n * interval '1 ms', now(), now(), now(), true
    FROM generate_series(1, %s) AS n"""


def run(yard):
    users = 10_000 if yard.size.is_judged else 50
    url = yard.catalog(yard.size.events)
    folder = yard.directory / "reports"
    settings = {"REPORT_INTERVAL_SECONDS": INTERVAL if yard.size.is_judged else 2,
                "REPORT_DIR": str(folder)}
    yard.query(url, "TRUNCATE tasks")
    try:
        with yard.daemon(url, yard.size.events, **settings) as daemon:
            wrk = Wrk(daemon.url())
            idle = [ask(yard, wrk) for _ in range(3)]
            before = daemon.peak_rss()
            yard.query(url, FILL, users, users * TASKS_EACH)
            yard.query(url, "VACUUM ANALYZE tasks")
            busy, cycles = watch(yard, daemon, wrk, folder, users)
            return judge(users, idle, busy, cycles, daemon.peak_rss() - before)
    finally:
        yard.query(url, "TRUNCATE tasks")


def ask(yard, wrk):
    return wrk.ask(*WINDOW, connections=16, seconds=yard.size.seconds).must_be_good().p99


def whole_cycles(daemon, users):
    return [float(line["ms"]) for line in daemon.read_log("reports written")
            if int(line["files"]) == users]


def watch(yard, daemon, wrk, folder, users):
    """Searches from the first file of a cycle on, three times; and the cycles in milliseconds."""
    busy = []
    for _ in range(3):
        done = len(whole_cycles(daemon, users))
        known = newest(folder)
        wait_until(lambda known=known: newest(folder) > known, 60, "a cycle has begun")
        busy.append(ask(yard, wrk))
        wait_until(lambda done=done: len(whole_cycles(daemon, users)) > done, 60, "it is over")
        time.sleep(0.5)
    return busy, whole_cycles(daemon, users)


def newest(folder):
    """The end of the newest period that has a file; "" without any."""
    if not folder.exists():
        return ""
    return max((name.rpartition("_")[2] for name in os.listdir(folder)
                if name.startswith("task_report_")), default="")


def judge(users, idle, busy, cycles, growth):
    cycle, calm, loaded = median(cycles), median(idle), median(busy)
    return [
        Row(f"{users:,} users with {TASKS_EACH} tasks each, one cycle", f"{cycle / 1000:.1f} s", "", "",
            "at most 10 s", cycle <= 10_000),
        Row("growth of the daemon's memory", mebibytes(growth), "", "", "at most 128 MiB",
            growth <= 128 * 2 ** 20),
        Row("99th percentile of a search meanwhile", milliseconds(loaded), f"idle {milliseconds(calm)}",
            f"{loaded / calm:.2f}", "at most 2", loaded <= 2 * calm),
    ]
