"""Requests no proper client would send: each gets its status or the end of its connection, and the
daemon lives on."""

import json

import pytest

from harness.processes import wait_until
from wire import Wire, exchange, metric

HOST = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PIECES = b"2\r\n{}\r\n0\r\n\r\n"
GOOD = b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(scope="module")
def almanac(start_module_almanac):
    return start_module_almanac(HTTP_REQUEST_TIMEOUT_SECONDS="5")


@pytest.fixture(autouse=True)
def lives_on(almanac):
    """Whatever was sent: it serves, and no connection is left behind."""
    yield
    assert almanac.get("/livez").status_code == 200
    own = 1  # the one that asks
    wait_until(lambda: metric(almanac, "almanac_http_connections") == own, 10,
               "all other connections are gone")


def get(target=b"/status", headers=HOST, version=b"HTTP/1.1", method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def post(headers, body=b"{}", version=b"HTTP/1.1"):
    return (b"POST /api/v1/providers " + version + b"\r\n" + HOST + JSON + headers + b"\r\n" + body)


def chunks(*lines):
    return post(CHUNKED, b"".join(line + b"\r\n" for line in lines))


REFUSED = {
    # Where one request ends and the next begins must not be open to two readings.
    "two lengths": (400, post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}x")),
    "the same length twice": (400, post(b"Content-Length: 2\r\nContent-Length: 2\r\n")),
    "a list of lengths": (400, post(b"Content-Length: 2, 2\r\n")),
    "a negative length": (400, post(b"Content-Length: -2\r\n")),
    "a length with a sign": (400, post(b"Content-Length: +2\r\n")),
    "a length in hex": (400, post(b"Content-Length: 0x2\r\n")),
    "an empty length": (400, post(b"Content-Length:\r\n")),
    "two numbers in a length": (400, post(b"Content-Length: 2 2\r\n")),
    "a length beyond any number": (413, post(b"Content-Length: 99999999999999999999999\r\n")),
    "length, then chunked": (400, post(b"Content-Length: 2\r\n" + CHUNKED, PIECES)),
    "chunked, then length": (400, post(CHUNKED + b"Content-Length: 2\r\n", PIECES)),
    "chunked twice": (400, post(CHUNKED * 2, PIECES)),
    "another coding before chunked": (400, post(b"Transfer-Encoding: gzip, chunked\r\n", PIECES)),
    "almost chunked": (400, post(b"Transfer-Encoding: xchunked\r\n", PIECES)),
    "chunked in 1.0": (400, post(CHUNKED, PIECES, b"HTTP/1.0")),
    "a chunk size of letters": (400, chunks(b"zz", b"{}", b"0", b"")),
    "a negative chunk size": (400, chunks(b"-2", b"{}", b"0", b"")),
    "a chunk size with 0x": (400, chunks(b"0x2", b"{}", b"0", b"")),
    "an empty chunk size": (400, chunks(b"", b"{}", b"0", b"")),
    "a chunk size beyond any number": (413, chunks(b"f" * 24, b"{}", b"0", b"")),
    "a chunk longer than its size": (400, chunks(b"2", b"{}xx", b"0", b"")),

    "no host": (400, get(headers=b"")),
    "two hosts": (400, get(headers=HOST * 2)),
    "a host with a space": (400, get(headers=b"Host: a b\r\n")),
    "a host with a path": (400, get(headers=b"Host: a/b\r\n")),

    "a NUL in the path": (400, get(b"/sta\0tus")),
    "an escaped NUL in the path": (400, get(b"/sta%00tus")),
    "an escaped NUL in the query": (400, get(b"/search?starts_at=%00")),
    "a NUL in a header": (400, get(headers=HOST + b"X-A: a\0b\r\n")),
    "a NUL in a header's name": (400, get(headers=HOST + b"X-\0A: b\r\n")),
    "a control character in a header": (400, get(headers=HOST + b"X-A: a\x01b\r\n")),
    "a carriage return in a header": (400, get(headers=HOST + b"X-A: a\rb\r\n")),
    "invalid UTF-8 in the path": (400, get(b"/\xff\xfe")),
    "escaped invalid UTF-8 in the path": (400, get(b"/%ff%fe")),
    "an escaped surrogate in the path": (400, get(b"/%ed%a0%80")),
    "escaped invalid UTF-8 in the query": (400, get(b"/search?starts_at=%ff")),
    "escaped invalid UTF-8 in a parameter nobody asks for":
        (400, get(b"/search?starts_at=2026-01-01&ends_at=2026-01-02&x=%ff")),
    "letters that were not escaped": (400, get("/é".encode())),
    "an escape that is none": (400, get(b"/%zz")),
    "an escape cut off": (400, get(b"/a%")),

    "a line too long": (414, get(b"/" + b"a" * 70000)),
    "a query too long": (414, get(b"/search?" + b"a" * 70000)),
    "a method too long": (414, get(method=b"G" * 70000)),
    "a header too long": (431, get(headers=HOST + b"X-A: " + b"a" * 70000 + b"\r\n")),
    "too many headers": (431, get(headers=HOST + b"X-A: b\r\n" * 20000)),

    "bare line feeds": (400, b"GET /status HTTP/1.1\nHost: localhost\n\n"),
    "one bare line feed": (400, get(headers=b"Host: localhost\nX-A: b\r\n")),
    "a space before the colon": (400, get(headers=HOST + b"X-A : b\r\n")),
    "a space before the first header": (400, get(headers=b" X-A: b\r\n" + HOST)),
    "a folded header": (400, get(headers=HOST + b"X-A: b\r\n  c\r\n")),
    "a header without a colon": (400, get(headers=HOST + b"X-A\r\n")),
    "a header without a name": (400, get(headers=HOST + b": b\r\n")),

    "version 2": (505, get(version=b"HTTP/2.0")),
    "version 1.10": (400, get(version=b"HTTP/1.10")),
    "a version in lower case": (400, get(version=b"http/1.1")),
    "another protocol": (400, get(version=b"HTTX/1.1")),
    "no version": (400, b"GET /status\r\n\r\n"),
    "a space after the version": (400, get(version=b"HTTP/1.1 ")),
    "no target": (400, get(b"")),
    "two spaces": (400, get(b" /status")),
    "a space in the target": (400, get(b"/sta tus")),
    "a target without a slash": (400, get(b"status")),
    "a method that is no token": (400, get(method=b"G(T")),
    "a tunnel": (400, get(b"localhost:80", method=b"CONNECT")),

    "a method in lower case": (405, get(method=b"get")),
    "a method nobody knows": (405, get(method=b"BREW")),
    "a trace": (405, get(method=b"TRACE")),
}


@pytest.mark.parametrize("status, data", REFUSED.values(), ids=REFUSED)
def test_is_refused(almanac, status, data):
    with Wire(almanac) as wire:
        wire.send(data)
        answer = wire.read()
        assert answer is not None and answer.status == status
        if status != 405:
            wire.send(GOOD)  # what follows a broken request is not to be read as one
            after = wire.read()
            assert after is None or (status == 400 and data.startswith(b"GET /")
                                     and after.status == 200 and is_whole(data))


def is_whole(data):
    """Refused for what it asks, not for how it is written: the next request is safe to read."""
    return b"%" in data


CLOSED = {
    "tabs for spaces": b"GET\t/status\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": bytes.fromhex("16030100f1010000ed0303") + b"\x01" * 200 + b"\r\n\r\n",
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
    "another protocol's greeting": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("data", CLOSED.values(), ids=CLOSED)
def test_what_is_no_http_is_closed(almanac, data):
    answer = exchange(almanac, data)
    assert answer is None or answer.status == 400


TAKEN = {
    "version 1.0 without a host": (200, get(headers=b"", version=b"HTTP/1.0")),
    "an empty line first": (200, b"\r\n" + GOOD),
    "the absolute form": (200, get(b"http://localhost/status")),
    "an upgrade nobody wants": (200, get(headers=HOST + b"Connection: Upgrade\r\nUpgrade: x\r\n")),
    "letters of another century in a header": (200, get(headers=HOST + b"X-A: \xe9\r\n")),
    "options of the server": (204, get(b"*", method=b"OPTIONS")),
    "a body on a GET": (200, get(headers=HOST + b"Content-Length: 2\r\n") + b"{}"),
    "chunks with an extension": (422, chunks(b"2;name=value", b"{}", b"0", b"")),
    "chunks with a trailer": (422, chunks(b"2", b"{}", b"0", b"X-A: b", b"")),
}


@pytest.mark.parametrize("status, data", TAKEN.values(), ids=TAKEN)
def test_is_taken(almanac, status, data):
    with Wire(almanac) as wire:
        wire.send(data)
        assert wire.read().status == status
        if b"HTTP/1.0" not in data:
            wire.send(GOOD)
            assert wire.read().status == 200


def test_a_refusal_is_a_problem_that_says_what_is_wrong(almanac):
    answer = exchange(almanac, get(headers=HOST * 2))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"].lower() == "close"
    problem = json.loads(answer.body)
    assert (problem["status"], problem["code"]) == (400, "bad_request")
    assert problem["detail"] == "there is more than one Host header"


def test_a_wrong_method_is_told_the_right_ones(almanac):
    answer = exchange(almanac, get(method=b"BREW"))
    assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", "))


# --- bodies ---------------------------------------------------------------------------------------

MEBIBYTE = 1 << 20
BLANKS = b" " * MEBIBYTE


def test_a_body_at_the_limit_is_read(almanac):
    answer = exchange(almanac, post(b"Content-Length: %d\r\n" % MEBIBYTE, b"{}" + BLANKS[2:]))
    assert answer.status == 422


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 3 * MEBIBYTE])
def test_a_body_over_the_limit_is_refused_after_it_was_sent(almanac, size):
    with Wire(almanac) as wire:
        wire.send(post(b"Content-Length: %d\r\n" % size, (BLANKS * 4)[:size]))
        answer = wire.read()
        assert answer.status == 413
        assert json.loads(answer.body)["code"] == "body_too_large"
        wire.send(GOOD)
        assert wire.read().status == 200


def test_chunks_over_the_limit_are_refused(almanac):
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, BLANKS)
    assert exchange(almanac, post(CHUNKED, chunk * 2 + b"0\r\n\r\n")).status == 413


def test_a_body_far_over_the_limit_is_refused_before_it_is_sent(almanac):
    answer = exchange(almanac, post(b"Content-Length: 999999999999\r\n", b""))
    assert answer.status == 413
    assert answer.headers["connection"].lower() == "close"


def test_chunks_without_end_are_cut_off(almanac):
    """Nobody reads them for ever, answered or not."""
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, BLANKS)
    with Wire(almanac) as wire:
        wire.send(post(CHUNKED, b""))
        sent = 0
        while sent < 64 and wire.send(chunk):
            sent += 1
        assert sent < 64


def test_a_body_nobody_reads_is_swallowed_or_refused(almanac):
    small = exchange(almanac, get(headers=HOST + b"Content-Length: 60000\r\n") + BLANKS[:60000])
    assert small.status == 200
    large = exchange(almanac, get(headers=HOST + b"Content-Length: 70000\r\n") + BLANKS[:70000])
    assert large.status == 413


# --- Expect: 100-continue -------------------------------------------------------------------------

EXPECT = b"Expect: 100-continue\r\n"


def test_who_waits_is_told_to_go_on(almanac):
    with Wire(almanac) as wire:
        wire.send(post(EXPECT + b"Content-Length: 2\r\n", b""))
        assert wire.read().status == 100
        wire.send(b"{}")
        assert wire.read().status == 422


def test_who_waits_with_too_much_is_told_so_at_once(almanac):
    answer = exchange(almanac, post(EXPECT + b"Content-Length: %d\r\n" % (MEBIBYTE + 1), b""))
    assert answer.status == 413


def test_who_waits_with_too_many_chunks_is_told_so(almanac):
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, BLANKS)
    with Wire(almanac) as wire:
        wire.send(post(EXPECT + CHUNKED, b""))
        assert wire.read().status == 100
        wire.send(chunk * 2 + b"0\r\n\r\n")
        assert wire.read().status == 413


# --- many at once, and none -----------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_their_order(almanac):
    targets = [b"/status", b"/nowhere", b"/livez", b"/api/v1/providers/999", b"/search"]
    statuses = [200, 404, 200, 404, 400]
    with Wire(almanac) as wire:
        wire.send(b"".join(map(get, targets)) * 20)
        assert [wire.read().status for _ in range(100)] == statuses * 20


def test_a_broken_request_ends_the_pipeline(almanac):
    with Wire(almanac) as wire:
        wire.send(GOOD + get(headers=HOST * 2) + GOOD)
        assert wire.read().status == 200
        assert wire.read().status == 400
        assert wire.read() is None


def test_a_request_hidden_in_a_body_stays_there(almanac):
    with Wire(almanac) as wire:
        wire.send(post(b"Content-Length: %d\r\n" % len(GOOD), GOOD) + get(b"/nowhere"))
        assert wire.read().status == 400  # it is no JSON
        assert wire.read().status == 404


def test_a_request_in_single_bytes_is_understood(almanac):
    with Wire(almanac) as wire:
        for place in range(len(GOOD)):
            wire.send(GOOD[place:place + 1])
        assert wire.read().status == 200


def test_who_leaves_in_the_middle_is_forgotten(almanac):
    """`lives_on` sees that nothing stays open."""
    whole = post(b"Content-Length: 2\r\n")
    for length in range(0, len(whole), 7):
        with Wire(almanac) as wire:
            wire.send(whole[:length])


def test_who_leaves_before_the_answer_is_forgotten(almanac):
    """They ask the database, and do not wait for what it says."""
    for _ in range(50):
        with Wire(almanac) as wire:
            wire.send(get(b"/api/v1/providers"))
