"""How answers leave: /status against a bare libmicrohttpd, unchanged ones, compressed ones, and
finished bytes from the answer cache."""

import contextlib
import gzip
import subprocess

import catalogs
from harness.processes import free_port, wait_until
from report import Row, per_second
from tools import HERE, Wrk, median

DAY = 86400


def run(yard):
    url = yard.catalog(yard.size.events)
    with yard.daemon(url, yard.size.events) as daemon, start_peer(yard) as peer_url:
        return measure(yard, Wrk(daemon.url()), Wrk(peer_url), make_kinds(daemon))


@contextlib.contextmanager
def start_peer(yard):
    binary = yard.directory / "peer"
    subprocess.run(["cc", "-O2", "-o", binary, HERE / "peer.c", "-lmicrohttpd", "-pthread"],
                   check=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}/status"
    with subprocess.Popen([binary, str(port)]) as process:
        try:
            wait_until(lambda: subprocess.run(["curl", "-sf", url], check=False,
                                              capture_output=True).stdout == b"ok\n", 10, "the peer")
            yield url
        finally:
            process.kill()


def make_kinds(daemon):
    """The questions, with their answers judged once."""
    day = f"/search?starts_at={catalogs.moment(500 * DAY)}&ends_at={catalogs.moment(501 * DAY)}"
    plain = daemon.get(day)
    etag = plain.headers["ETag"]
    assert daemon.get(day, headers={"If-None-Match": etag}).status_code == 304
    packed = daemon.get(day, headers={"Accept-Encoding": "gzip"}, stream=True)
    raw = packed.raw.read(decode_content=False)
    is_packed = packed.headers.get("Content-Encoding") == "gzip"
    assert (gzip.decompress(raw) if is_packed else raw) == plain.content
    assert is_packed == (len(plain.content) > 1024)
    return {
        "plain": ("window", DAY),
        "status": ("fixed", "/status"),
        "304 to If-None-Match": ("fixed", day, f"If-None-Match: {etag}"),
        "gzip, windows of 20 rows": ("window", DAY, "Accept-Encoding: gzip"),
        "from the answer cache": ("fixed", f"/api/v1/events?q={catalogs.FIRST_WORD}"),
    }


def measure(yard, wrk, peer, kinds):
    rates = {name: [] for name in (*kinds, "peer")}
    for _ in range(yard.size.rounds):
        for name, kind in kinds.items():
            rates[name].append(wrk.ask(*kind, seconds=yard.size.seconds).must_be_good().rate)
        rates["peer"].append(peer.ask("fixed", "/status",
                                      seconds=yard.size.seconds).must_be_good().rate)

    def row(what, name, other, words):
        ratio = median([rate / limit for rate, limit in zip(rates[name], rates[other])])
        return Row(what, per_second(median(rates[name])),
                   f"{words} {per_second(median(rates[other]))}", f"{ratio:.2f}")

    return [row("/status", "status", "peer", "bare libmicrohttpd"),
            *(row(name, name, "plain", "windows of 20 rows") for name in list(kinds)[2:])]
