"""The log: one line a request, whatever a client sends, in both formats."""

import json
import re
import socket
import time

import pytest

from harness.processes import wait_until

TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MEMBERS = ["time", "level", "what", "id", "traceparent", "method", "target", "status", "ms",
           "queue_ms", "db_ms", "rows"]

# What a line of a log must not be broken or forged by.
NASTY = {
    "line feed": b"\n", "carriage return": b"\r", "escape": b"\x1b[2J", "quote": b'"',
    "backslash": b"\\", "NUL": b"\0", "delete": b"\x7f", "next line": b"\xc2\x85",
    "line separator": b"\xe2\x80\xa8", "paragraph separator": b"\xe2\x80\xa9",
    "right to left": b"\xe2\x80\xae", "no UTF-8": b"\xff\xfe", "cut UTF-8": b"\xe2\x80",
    "a second line": b'" level=error what=forged\ntime=2026-01-01T00:00:00.000Z level=error x="',
    "a second object": b'"}\n{"time":"x","level":"error","what":"forged"',
}


@pytest.fixture(name="almanac", scope="module", params=["logfmt", "json"])
def fixture_almanac(request, start_module_almanac):
    return start_module_almanac(LOG_FORMAT=request.param, LOG_LEVEL="debug")


def send(almanac, data):
    """The bytes as they are; what comes back, to its end."""
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:  # the daemon has closed already
            return b""


def read_logfmt(line):
    """A strict reader: name=value, name="value with \\-escapes", one space between."""
    fields, rest = {}, line
    while rest:
        match = re.match(r'([a-z_]+)=("(?:[^"\\\x00-\x1f]|\\["\\n]|\\u[0-9a-f]{4})*"|[!-~]+)(?: |$)',
                         rest)
        assert match, line
        fields[match[1]] = json.loads(match[2]) if match[2][0] == '"' else match[2]
        rest = rest[match.end():]
    return fields


def read_line(almanac, line):
    return json.loads(line) if almanac.settings["LOG_FORMAT"] == "json" else read_logfmt(line)


def lines_since(almanac, count):
    return [read_line(almanac, line) for line in list(almanac.lines)[count:]]


def told_of(almanac, count, seconds=5.0):
    """The first line about a request since there were so many lines."""
    def found():
        return [line for line in lines_since(almanac, count) if line["what"] == "request"]

    wait_until(found, seconds, "a request is logged")
    return found()[0]


# --- what a line tells ----------------------------------------------------------------------------


def test_a_request_that_asks_the_database_tells_all(almanac):
    answer = almanac.get("/api/v1/providers", headers={"X-Request-Id": "told"})
    assert answer.status_code == 200
    line = almanac.wait_for_log("request", id="told")
    assert [name for name in line if name != "token"] == MEMBERS
    assert (line["method"], line["target"]) == ("GET", "/api/v1/providers")
    assert str(line["status"]) == "200" and str(line["rows"]) == "0"
    whole, queued, asked = (float(line[name]) for name in ("ms", "queue_ms", "db_ms"))
    assert 0 < asked <= whole and 0 <= queued and queued + asked <= whole


def test_a_request_that_asks_nobody_waited_for_nobody(almanac):
    almanac.get("/nothing", headers={"X-Request-Id": "alone"})
    line = almanac.wait_for_log("request", id="alone")
    assert float(line["queue_ms"]) == float(line["db_ms"]) == 0


@pytest.mark.parametrize("given", [GIVEN, "cc" + GIVEN[2:], "cc" + GIVEN[2:] + "-more"])
def test_a_trace_is_taken(given, almanac):
    name = f"trace-{len(given)}-{given[:2]}"
    almanac.get("/nothing", headers={"X-Request-Id": name, "traceparent": given})
    assert almanac.wait_for_log("request", id=name)["traceparent"] == GIVEN


BAD = {"none": None, "short": GIVEN[:-1], "long": GIVEN + "-more", "capitals": GIVEN.upper(),
       "ff": "ff" + GIVEN[2:], "no trace": f"00-{'0' * 32}-00f067aa0ba902b7-01",
       "no parent": f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
       "dots": GIVEN.replace("-", "."), "letters": GIVEN.replace("f", "g")}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_a_trace_is_made_when_none_came(given, almanac):
    seen = set()
    for _ in range(2):
        count = len(almanac.lines)
        almanac.get("/nothing", headers={"traceparent": given} if given else {})
        made = told_of(almanac, count)["traceparent"]
        assert TRACE.fullmatch(made) and made.endswith("-00")
        seen.add(made)
    assert len(seen) == 2 and GIVEN not in seen


# --- what a line cannot be made to tell -------------------------------------------------------------

HEAD = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
WRITTEN = {
    "target": lambda bad: b"GET /x" + bad + b"y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "query": lambda bad: b"GET /x?q=" + bad + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "method": lambda bad: b"GE" + bad + b"T /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "id": lambda bad: HEAD + b"X-Request-Id: a" + bad + b"b\r\n\r\n",
    "trace": lambda bad: HEAD + b"traceparent: " + GIVEN.encode() + bad + b"\r\n\r\n",
    "body": lambda bad: (b"POST /api/v1/providers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                         b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n{\"name\":\""
                         % (len(bad) + 11) + bad + b'"}'),
}


@pytest.mark.parametrize("place", WRITTEN)
def test_no_client_can_forge_a_line(place, almanac):
    """Every line is read strictly, none says what a client made up, no reader sees more lines."""
    count = len(almanac.lines)
    for bad in NASTY.values():
        send(almanac, WRITTEN[place](bad))
    almanac.get("/nothing", headers={"X-Request-Id": f"after-{place}"})
    almanac.wait_for_log("request", id=f"after-{place}")
    fresh = list(almanac.lines)[count:]
    told = [read_line(almanac, line) for line in fresh]
    assert all(len(line.splitlines()) == 1 and line.isprintable() for line in fresh)
    assert not [line for line in told if line["what"] == "forged" or line["level"] == "error"]
    requests = [line for line in told if line["what"] == "request"]
    assert len(requests) > len(NASTY) / 2
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", line["id"]) for line in requests)
    assert all(TRACE.fullmatch(line["traceparent"]) for line in requests)


def test_words_of_a_source_cannot_forge_a_line(almanac, module_world):
    """What a run tells of a feed's faults stays within its field."""
    module_world.serve("/nasty", b"<" + b"".join(NASTY.values()), status=500)
    count = len(almanac.lines)
    made = almanac.post("/api/v1/providers", {"name": f"n\u2028{almanac.port}\x1b[2J",
                                              "url": module_world.url("/nasty?\u2028")})
    assert made.status_code in (201, 422)
    almanac.get("/nothing", headers={"X-Request-Id": "after-source"})
    almanac.wait_for_log("request", id="after-source")
    lines_since(almanac, count)
    assert all(line.isprintable() for line in list(almanac.lines)[count:])


# --- what libmicrohttpd refuses by itself ---------------------------------------------------------


def test_a_head_that_is_too_large_is_told_with_its_status(almanac):
    count = len(almanac.lines)
    answer = send(almanac, b"GET /large HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40000 + b"\r\n\r\n")
    line = told_of(almanac, count)
    assert int(line["status"]) == 431 and line["target"] == "/large" and line["id"]
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")


def test_a_client_that_left_before_its_request_was_there_is_told_as_such(almanac):
    """An end that comes together with the first bytes may be seen before them: it comes apart."""
    count = len(almanac.lines)
    for patience in (0.05, 0.2, 1.0):
        with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
            connection.sendall(b"GET /left HTTP/1.1\r\nHost: a\r\n")
            time.sleep(patience)
    line = told_of(almanac, count)
    assert int(line["status"]) == 499 and line["target"] == "/left" and line["id"]
