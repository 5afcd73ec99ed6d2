"""Thousands of connections at once: good answers at the usual rate, 503 for the rest, and memory that
stays within bounds."""

import resource

from report import Row, mebibytes, per_second
from tools import Wrk, median

KIND = ("window", 86400)
SPARE_FILES = 500
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


def measure(yard, daemon):
    wrk = Wrk(daemon.url())
    count = yard.size.connections
    ratios, rates, peaks = [], [], []
    before = daemon.rss()
    for _ in range(max(yard.size.rounds // 2, 1)):
        usual = wrk.ask(*KIND, seconds=yard.size.seconds).must_be_good()
        many = wrk.ask(*KIND, connections=count, seconds=yard.size.seconds)
        assert many.broken == 0 and many.late == 0, many
        peaks.append(usual.rate)
        rates.append(many.good_rate)
        ratios.append(many.good_rate / usual.rate)
    yard.check_windows(daemon.settings["DATABASE_URL"], daemon, KIND[1])
    growth, ratio = daemon.peak_rss() - before, median(ratios)
    return [
        Row(f"good answers, {count:,} connections", per_second(median(rates)),
            f"64 connections {per_second(median(peaks))}", f"{ratio:.2f}",
            "at least 0.8 of the peak", ratio >= 0.8),
        Row("memory for them", mebibytes(growth), "", f"{growth / count / 1024:.0f} KiB each",
            "bounded (64 KiB each)", growth <= BOUND * count),
    ]
