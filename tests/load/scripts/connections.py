"""Thousands of connections at once: good answers at the usual rate, 503 for the rest, and memory that
stays within bounds. What a request costs then tells the daemon's part from that of the load."""

import resource

from report import Row, mebibytes, per_second
from tools import Clock, Wrk, median

KIND = ("window", 86400)
SPARE_FILES = 500
LONGER = 3              # times: all have to connect first
BOUND = 64 << 10        # bytes for each connection


def run(yard):
    url = yard.catalog(yard.size.events)
    allow_files(yard.size.connections + SPARE_FILES)
    with yard.daemon(url, yard.size.events) as daemon:
        yard.check_windows(url, daemon, KIND[1])
        return measure(yard, daemon)


def allow_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def ask(yard, daemon, wrk, **options):
    """The answers, and the daemon's CPU for one of them in microseconds."""
    clock = Clock(daemon, yard.postgres)
    answers = wrk.ask(*KIND, **options)
    return answers, clock.spent()[0] / answers.requests * 1e6


def measure(yard, daemon):
    wrk = Wrk(daemon.url())
    count, seconds = yard.size.connections, yard.size.seconds
    rounds = []
    before = daemon.rss()
    for _ in range(yard.size.rounds):
        usual, usual_cost = ask(yard, daemon, wrk, seconds=seconds)
        many, cost = ask(yard, daemon, wrk, seconds=LONGER * seconds, connections=count)
        usual.must_be_good()
        assert many.broken == 0 and many.late == 0, many
        rounds.append((many.good_rate, usual.rate, cost, usual_cost))
    yard.check_windows(daemon.settings["DATABASE_URL"], daemon, KIND[1])
    return judge(count, rounds, daemon.peak_rss() - before)


def judge(count, rounds, growth):
    rate, usual, cost, usual_cost = (median(values) for values in zip(*rounds))
    ratio = median([round_[0] / round_[1] for round_ in rounds])
    return [
        Row(f"good answers, {count:,} connections", per_second(rate),
            f"64 connections {per_second(usual)}", f"{ratio:.2f}", "at least 0.8 of the peak",
            ratio >= 0.8),
        Row("CPU of the daemon for one", f"{cost:.1f} µs", f"64 connections {usual_cost:.1f} µs",
            f"{cost / usual_cost:.2f}"),
        Row("memory for them", mebibytes(growth), "", f"{growth / count / 1024:.0f} KiB each",
            "bounded (64 KiB each)", growth <= BOUND * count),
    ]
