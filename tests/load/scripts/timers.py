"""Timers that fire: bursts, a steady flow, a receiver that hangs, a table full of timers to come; beside
job queues of the npm registry that call the same receiver in the same run."""

import time

from firing import Ours, Peer, Receiver, fire, install_peers, must_be_exact
from report import Row, mebibytes, milliseconds, per_second
from tools import Clock, median

SETTINGS = {"WEBHOOK_ALLOW": "loopback", "TIMER_RETRY_SECONDS": "600"}
LEAD = 4


def run(yard):
    receiver = Receiver(yard.directory)
    url = yard.database()
    try:
        with yard.daemon(url, **SETTINGS) as daemon:
            ours = Ours(yard, daemon)
            if not yard.size.is_judged:
                return smoke(receiver, ours)
            peers = open_peers(yard)
            rows = (bursts(receiver, ours, peers) + flows(receiver, ours, peers)
                    + hanging(receiver, ours) + crowded(yard, url, receiver, ours)
                    + [memory(daemon)])
            close_peers(peers)
        return rows + idle(yard)
    finally:
        receiver.close()


def smoke(receiver, ours):
    must_be_exact(fire(receiver, ours, 500, 0, 2), 500)
    must_be_exact(fire(receiver, ours, 200, 1, 1), 200)
    return []


def open_peers(yard):
    directory = install_peers(yard)
    if directory is None:
        return []
    return [Peer(yard, directory, "graphile", "graphile-worker"),
            Peer(yard, directory, "boss", "pg-boss")]


def close_peers(peers):
    for peer in peers:
        peer.close()


def best(peers, receiver, count, spread, measure, better):
    """The best peer's figure, and its name."""
    figures = [(measure(fire(receiver, peer, count, spread, LEAD + count / 5000)), peer.name)
               for peer in peers]
    return better(figures) if figures else (None, "no peer")


# --- bursts -------------------------------------------------------------------------------------------


def bursts(receiver, ours, peers):
    rows = []
    for count in (20_000, 50_000):
        stats = must_be_exact(fire(receiver, ours, count, 0, LEAD + count / 20_000), count)
        some = peers if count == 20_000 else peers[:1]
        peer, name = best(some, receiver, count, 0, lambda told: told["rate"], max)
        ratio = stats["rate"] / peer if peer else None
        rows.append(Row(f"burst of {count:,}", per_second(stats["rate"]),
                        f"{name} {per_second(peer)}" if peer else name,
                        f"{ratio:.1f}" if ratio else "", "at least 2",
                        ratio >= 2 if ratio else None))
        rows.append(Row("CPU for 1,000 calls", cpu(stats)))
    return rows


def cpu(stats):
    daemon, database = stats["cpu"]
    return f"{daemon * 1000:.0f} ms, PostgreSQL {database * 1000:.0f} ms"


# --- a steady flow ------------------------------------------------------------------------------------


def flows(receiver, ours, peers):
    rows = []
    for count, spread in ((4000, 20), (40_000, 20)):
        stats = must_be_exact(fire(receiver, ours, count, spread, LEAD), count)
        peer, name = best(peers[:1], receiver, count, spread, lambda told: told["p99"], min)
        rows += lateness(f"{count // spread:,}/s for {spread} s", stats, peer, name)
        rows.append(Row("CPU for 1,000 calls", cpu(stats)))
    return rows


def lateness(what, stats, peer=None, name=""):
    rows = [Row(f"{what}: lateness p50", milliseconds(stats["p50"]), "", "", "at most 3 ms",
                stats["p50"] <= 3000)]
    ratio = stats["p99"] / peer if peer else None
    rows.append(Row(f"{what}: lateness p99", milliseconds(stats["p99"]),
                    f"{name} {milliseconds(peer)}" if peer else "",
                    f"{ratio:.2f}" if ratio else "", "at most 20 ms and a tenth of the peer's",
                    stats["p99"] <= 20_000 and (ratio is None or ratio <= 0.1)))
    return rows


# --- trouble ------------------------------------------------------------------------------------------


def hanging(receiver, ours):
    """5,000 timers to a destination that never answers; the others keep their time."""
    other = receiver.url("/hang").replace("127.0.0.1", "localhost")
    ours.store(other, 5000, time.time() + 2, 0)
    time.sleep(3)
    stats = must_be_exact(fire(receiver, ours, 4000, 20, 2), 4000)
    return [Row("beside a target that hangs: lateness p99", milliseconds(stats["p99"]), "", "",
                "at most 50 ms", stats["p99"] <= 50_000)]


FUTURE = """
    INSERT INTO timers (id, shard, due_at, next_at, destination, url, method, max_attempts, timeout_ms)
    SELECT gen_random_uuid(), n %% 64, due, due, 'http://127.0.0.1:9', 'http://127.0.0.1:9/', 'POST', 6, 10000
    FROM (SELECT n, now() + interval '1 day' + n * interval '1 second' AS due
          FROM generate_series(1, %s) AS n) AS f"""


def crowded(yard, url, receiver, ours):
    """The same with a million timers to come."""
    late, rate = medians(yard, receiver, ours)
    yard.query(url, FUTURE, 1_000_000)
    yard.query(url, "ANALYZE timers")
    late_then, rate_then = medians(yard, receiver, ours)
    return [Row("with 1,000,000 timers to come: lateness p99", milliseconds(late_then),
                f"without {milliseconds(late)}", f"{late_then / late:.2f}", "at most 1.2",
                late_then <= 1.2 * late),
            Row("the same: burst of 20,000", per_second(rate_then), f"without {per_second(rate)}",
                f"{rate_then / rate:.2f}", "at least 0.8", rate_then >= 0.8 * rate)]


def medians(yard, receiver, ours):
    """Lateness p99 of a steady flow, and the rate of a burst."""
    flows_then, bursts_then = [], []
    for _ in range(yard.size.rounds):
        flows_then.append(must_be_exact(fire(receiver, ours, 4000, 20, LEAD), 4000)["p99"])
        bursts_then.append(must_be_exact(fire(receiver, ours, 20_000, 0, LEAD), 20_000)["rate"])
    return median(flows_then), median(bursts_then)


def memory(daemon):
    peak = daemon.peak_rss()
    return Row("peak memory of the daemon", mebibytes(peak), "", "", "under 150 MiB",
               peak < 150 << 20)


def idle(yard):
    """100,000 timers, none due soon: what is asked, and what it costs."""
    url = yard.database()
    yard.query(url, FUTURE, 100_000)
    seconds = 60
    with yard.daemon(url, **SETTINGS) as daemon:
        time.sleep(3)
        began, clock = questions(daemon), Clock(daemon, yard.postgres)
        time.sleep(seconds)
        asked = questions(daemon) - began
        spent = sum(clock.spent())
    return [Row("100,000 timers, none due soon: statements in 10 s", f"{asked / seconds * 10:.1f}",
                "", "", "at most 1", asked / seconds * 10 <= 1),
            Row("the same: CPU, daemon and PostgreSQL", f"{spent / seconds * 100:.2f} %")]


def questions(daemon):
    """Asked by the timers' own connections."""
    return sum(daemon.metric_values("almanac_database_questions_total", connection=name)[0]
               for name in ("almanac-timers-read", "almanac-timers-write"))

