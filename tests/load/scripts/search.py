"""Date searches, from the picture in memory: random windows, never twice the same."""

from report import Row, milliseconds, per_second
from tools import Clock, Wrk, median

DAY = 86400
SMALL = DAY             # about 20 of 100,000 events
LARGE = 46 * DAY        # about 1,000
STATUS = ("fixed", "/status")


def interleaved(yard, wrk, kinds):
    """Lists of answers, one measurement of each kind a round."""
    answers = {name: [] for name in kinds}
    for _ in range(yard.size.rounds):
        for name, kind in kinds.items():
            answers[name].append(wrk.ask(*kind, seconds=yard.size.seconds).must_be_good())
    return answers


def run(yard):
    url = yard.catalog(yard.size.events)
    with yard.daemon(url, yard.size.events) as daemon:
        yard.check_windows(url, daemon, SMALL)
        yard.check_windows(url, daemon, LARGE)
        wrk = Wrk(daemon.url())
        answers = interleaved(yard, wrk, {"status": STATUS, "search": ("window", SMALL)})
        return [*judge(answers), *large_rows(yard, wrk, daemon)]


def judge(answers):
    status = median([answer.rate for answer in answers["status"]])
    search = median([answer.rate for answer in answers["search"]])
    ratio = median([search.rate / status.rate for status, search in
                    zip(answers["status"], answers["search"])])
    p99 = median([answer.p99 for answer in answers["search"]])
    return [
        Row("windows of 20 rows, 64 connections", per_second(search),
            f"/status {per_second(status)}", f"{ratio:.2f}", "at least half of /status", ratio >= 0.5),
        Row("the same", per_second(search), "", "", "at least 10,000/s", search >= 10_000),
        Row("99th percentile", milliseconds(p99), "", "", "at most 20 ms", p99 <= 20_000),
    ]


def large_rows(yard, wrk, daemon):
    """What a row costs when there are many: the bytes' own cost, or more?"""
    rates, costs, sizes = [], [], []
    for _ in range(yard.size.rounds):
        clock = Clock(daemon, yard.postgres)
        answers = wrk.ask("window", LARGE, seconds=yard.size.seconds).must_be_good()
        rates.append(answers.megabytes_a_second)
        costs.append(clock.spent()[0] / answers.requests * 1e6)
        sizes.append(answers.bytes / answers.requests)
    rows = yard.size.events / 4600 * LARGE / DAY
    return [Row("windows of 1,000 rows", f"{median(rates):,.0f} MB/s",
                "", "", "", None),
            Row("CPU of the daemon for one of them", f"{median(costs):,.0f} µs",
                f"{median(sizes) / 1000:,.0f} kB", f"{median(costs) / rows:.2f} µs a row")]
