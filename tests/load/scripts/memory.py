"""Memory stays flat: resident memory of the daemon while a million different questions are answered,
half of them date searches, the others by SQL and through the answer cache, behind half as many that fill
what it keeps: the cache and the pools of its connections."""

import catalogs
from report import Row, mebibytes
from tools import Wrk

STEPS = 5
KINDS = (("window", 86400), ("words", catalogs.FIRST_WORD, catalogs.LAST_WORD), ("window", 86400),
         ("prices",))
MOST_GROWTH = 1.05


def run(yard):
    url = yard.catalog(yard.size.events)
    with yard.daemon(url, yard.size.events, ANSWER_CACHE_MB=16) as daemon:
        sizes = watch(yard, daemon)
    growth = sizes[-1] / sizes[0]
    step = yard.size.requests // STEPS
    return [Row(f"resident after {step * place:,} requests", mebibytes(size))
            for place, size in enumerate(sizes[:-1])] + [
        Row(f"resident after {yard.size.requests:,} requests", mebibytes(sizes[-1]),
            f"at the beginning: {mebibytes(sizes[0])}", f"{growth:.3f}", "flat (at most 1.05)",
            growth <= MOST_GROWTH)]


def watch(yard, daemon):
    """Resident bytes at the beginning, and after each fifth of the requests."""
    wrk = Wrk(daemon.url())
    asked, sizes, turn = -yard.size.requests // 2, [], 0
    while len(sizes) <= STEPS:
        asked += wrk.ask(*KINDS[turn % len(KINDS)], seconds=1).must_be_good().requests
        turn += 1
        if asked >= yard.size.requests * len(sizes) // STEPS:
            sizes.append(daemon.rss())
    return sizes
