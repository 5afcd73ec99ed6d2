"""How often one may come: by token, by address, behind proxies; and how many connections."""

import contextlib
import re
import select
import socket

import pytest

from harness import almanac as daemons
from harness.processes import wait_until
from harness.tokens import API_TOKENS, TOKENS, bearer

POLICY = re.compile(r'"default";q=(\d+);w=(\d+)')
STATE = re.compile(r'"default";r=(\d+);t=(\d+)')
PATH = "/api/v1/timers?limit=1"


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """Five requests an hour for each, behind proxies on loopback: every address is another client."""
    return start_module_almanac(RATE_LIMIT="5/h", API_TOKENS=API_TOKENS, HTTP_THREADS=2,
                                TRUSTED_PROXIES="loopback,10.0.0.0/8, 2001:db8:ffff::/48")


def ask(almanac, client=None, token=None, path=PATH, **headers):
    forwarded = {"X-Forwarded-For": client} if client else {}
    return almanac.get(path, headers={**forwarded, **(bearer(token) if token else {}), **headers})


def left(answer):
    """How many requests that client has left."""
    assert POLICY.fullmatch(answer.headers["RateLimit-Policy"]).groups() == ("5", "3600")
    return int(STATE.fullmatch(answer.headers["RateLimit"])[1])


# --- one bucket a client --------------------------------------------------------------------------


def test_a_client_gets_what_is_allowed_and_no_more(almanac):
    answers = [ask(almanac, "192.0.2.1") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert [left(answer) for answer in answers] == [4, 3, 2, 1, 0, 0, 0, 0]
    for answer in answers[5:]:
        assert answer.json()["code"] == "rate_limited"
        assert 1 <= int(answer.headers["Retry-After"]) <= 720
        assert answer.headers["Retry-After"] in answer.json()["detail"]


def test_workers_count_together(almanac):
    """Each connection meets any worker."""
    answers = []
    for _ in range(12):
        answers.append(ask(almanac, "192.0.2.2").status_code)
        almanac.hang_up()
    assert sorted(answers) == [401] * 5 + [429] * 7


def test_another_client_is_not_touched(almanac):
    for _ in range(6):
        ask(almanac, "192.0.2.3")
    assert ask(almanac, "192.0.2.3").status_code == 429
    assert left(ask(almanac, "192.0.2.4")) == 4


def test_a_token_counts_wherever_it_comes_from(almanac):
    answers = [ask(almanac, f"192.0.2.{100 + number}", TOKENS["read"]) for number in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert ask(almanac, "192.0.2.99", TOKENS["write"]).status_code == 200


def test_wrong_tokens_count_by_address(almanac):
    answers = [ask(almanac, "192.0.2.5", f"wrong-{number}") for number in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2


def test_what_is_not_there_counts_too(almanac):
    answers = [ask(almanac, "192.0.2.6", path="/nothing") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]


def test_health_and_metrics_are_never_kept_out(almanac):
    for _ in range(10):
        for path in ("/livez", "/readyz", "/metrics"):
            answer = ask(almanac, "192.0.2.7", path=path)
            assert answer.status_code != 429 and "RateLimit" not in answer.headers
    assert left(ask(almanac, "192.0.2.7")) == 4


def test_the_refused_client_is_in_the_log(almanac):
    for _ in range(6):
        ask(almanac, "192.0.2.8", **{"X-Request-Id": "too-often"})
    line = almanac.wait_for_log("request", id="too-often", status=429)
    assert line["client"] == "192.0.2.8"


# --- whose address ---------------------------------------------------------------------------------

# What came, and the client it means: each is asked for once by that client directly before.
MEANT = {
    "one hop": ({"X-Forwarded-For": "198.51.100.1"}, "198.51.100.1"),
    "a made up hop in front": ({"X-Forwarded-For": "1.2.3.4, 198.51.100.2"}, "198.51.100.2"),
    "trusted hops behind": ({"X-Forwarded-For": "1.2.3.4, 198.51.100.3, 10.1.2.3, 127.0.0.1"},
                            "198.51.100.3"),
    "a port": ({"X-Forwarded-For": "198.51.100.4:4711"}, "198.51.100.4"),
    "forwarded": ({"Forwarded": "for=198.51.100.5;proto=https;by=10.0.0.1"}, "198.51.100.5"),
    "forwarded in capitals": ({"Forwarded": "For=\"198.51.100.6:80\""}, "198.51.100.6"),
    "forwarded twice": ({"Forwarded": "for=1.2.3.4, for=198.51.100.7;host=\"a,b;for=x\""},
                        "198.51.100.7"),
    "both that agree": ({"Forwarded": "for=198.51.100.8", "X-Forwarded-For": "198.51.100.8"},
                        "198.51.100.8"),
    "mapped": ({"X-Forwarded-For": "::ffff:198.51.100.9"}, "198.51.100.9"),
    "version 6": ({"Forwarded": 'for="[2001:db8:1::1]:80"'}, "2001:db8:1::1"),
    "a neighbour of version 6": ({"X-Forwarded-For": "2001:db8:2:3:ffff::1"}, "2001:db8:2:3::2"),
    "a trusted one of version 6": ({"Forwarded": 'for=198.51.100.10, for="[2001:db8:ffff::1]"'},
                                   "198.51.100.10"),
    "all trusted": ({"X-Forwarded-For": "10.9.9.9, 10.1.1.1"}, "10.9.9.9"),
    "a hidden one": ({"Forwarded": "for=1.2.3.4, for=_hidden, for=10.7.7.7"}, "10.7.7.7"),
    "an unknown one": ({"X-Forwarded-For": "unknown, 10.6.6.6"}, "10.6.6.6"),
}


@pytest.mark.parametrize("headers, client", MEANT.values(), ids=MEANT)
def test_the_client_behind_proxies_is_found(headers, client, almanac):
    before = left(ask(almanac, client))
    assert left(almanac.get(PATH, headers=headers)) == before - 1


NOBODY = {
    "nothing": {},
    "two that do not agree": {"Forwarded": "for=203.0.113.1", "X-Forwarded-For": "203.0.113.2"},
    "nonsense": {"X-Forwarded-For": "nonsense"},
    "a quote that stays open": {"Forwarded": 'for="203.0.113.3'},
}


def test_what_names_nobody_counts_for_the_proxy(start_almanac):
    almanac = start_almanac(RATE_LIMIT="5/h", TRUSTED_PROXIES="loopback")
    for number, headers in enumerate(NOBODY.values(), 1):
        assert left(almanac.get(PATH, headers=headers)) == 5 - number


def test_nobody_else_is_believed(start_almanac):
    almanac = start_almanac(RATE_LIMIT="5/h", TRUSTED_PROXIES="10.0.0.0/8")
    answers = [ask(almanac, f"192.0.2.{number}", Forwarded=f"for=192.0.2.{number}")
               for number in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2


def test_two_lines_of_a_header_are_one_list(almanac):
    head = (f"GET {PATH} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "X-Forwarded-For: 198.51.100.50\r\nConnection: close\r\n\r\n")
    before = left(ask(almanac, "198.51.100.50"))
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(head.encode())
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert int(STATE.search(text)[1]) == before - 1


# --- the rate itself -------------------------------------------------------------------------------


def test_a_bucket_fills_again(start_almanac):
    almanac = start_almanac(RATE_LIMIT="600/min", RATE_LIMIT_BURST=2)
    answers = [almanac.get(PATH) for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and answers[0].status_code == answers[1].status_code == 200
    assert refused[0].headers["Retry-After"] == "1"
    assert refused[0].headers["RateLimit-Policy"] == '"default";q=600;w=60'
    wait_until(lambda: almanac.get(PATH).status_code == 200, 5, "there is room again")


def test_limits_come_and_go_without_a_restart(start_almanac):
    almanac = start_almanac()
    assert "RateLimit" not in almanac.get(PATH).headers
    (almanac.directory / ".env").write_text("RATE_LIMIT=2/h\n")
    almanac.reload()
    assert [almanac.get(PATH).status_code for _ in range(3)] == [200, 200, 429]
    (almanac.directory / ".env").write_text("")
    almanac.reload()
    assert almanac.get(PATH).status_code == 200


@pytest.mark.parametrize("name, text", [
    *[("RATE_LIMIT", text) for text in ("5", "0/s", "-1/s", "5/d", "5/", "/s", "5 / s", "5/S",
                                        "1000001/s", "5/s/s", "x/s")],
    ("TRUSTED_PROXIES", "nonsense"), ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "loopback,,private"), ("TRUSTED_PROXIES", "any")])
def test_what_is_none_stops_the_start(name, text):
    done = daemons.run("check", **{name: text})
    assert done.returncode == 2
    assert done.stderr.startswith(f"almanac: {name}: ") and done.stderr.count("\n") == 1


# --- connections -----------------------------------------------------------------------------------


def connect(almanac, source="127.0.0.1"):
    connection = socket.create_connection(("127.0.0.1", almanac.port), 5, (source, 0))
    connection.settimeout(5)
    return connection


def answer_on(connection):
    """The first line; nothing when it was closed without a word."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n")
        return connection.recv(65536).partition(b"\r\n")[0]
    return b""


def test_one_address_has_so_many_connections_and_no_more(start_almanac):
    almanac = start_almanac(HTTP_CONNECTIONS_PER_ADDRESS=4, HTTP_THREADS=2)
    almanac.hang_up()
    wait_until(lambda: answers_of(almanac, 4) == [b"HTTP/1.1 200 OK"] * 4, 5, "four are fine")
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(connect(almanac, "127.0.0.2")) for _ in range(4)]
        assert [answer_on(one) for one in mine] == [b"HTTP/1.1 200 OK"] * 4
        fifth = stack.enter_context(connect(almanac, "127.0.0.2"))
        assert answer_on(fifth) == b"HTTP/1.1 429 Too Many Requests"
        assert fifth.recv(1) == b""
        assert answer_on(stack.enter_context(connect(almanac, "127.0.0.3"))) == b"HTTP/1.1 200 OK"
        assert answer_on(mine[0]) == b"HTTP/1.1 200 OK"
        mine[1].close()
        wait_until(lambda: answer_on(stack.enter_context(connect(almanac, "127.0.0.2")))
                   == b"HTTP/1.1 200 OK", 5, "there is room again")


def answers_of(almanac, count):
    with contextlib.ExitStack() as stack:
        ours = [stack.enter_context(connect(almanac)) for _ in range(count)]
        return [answer_on(one) for one in ours]


def test_a_crowd_of_silent_connections_is_sent_away(start_almanac):
    almanac = start_almanac(HTTP_CONNECTIONS_PER_ADDRESS=4)
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(almanac, "127.0.0.2")) for _ in range(30)]
        wait_until(lambda: sum(map(is_open, crowd)) <= 8, 10, "most of them are gone")
        assert b"HTTP/1.1 200 OK" in [answer_on(one) for one in crowd if is_open(one)]


def is_open(connection):
    """Nothing was said: what can be read is the end."""
    return not select.select([connection], [], [], 0)[0]


def test_trusted_proxies_may_have_any_number(start_almanac):
    almanac = start_almanac(HTTP_CONNECTIONS_PER_ADDRESS=2, TRUSTED_PROXIES="127.0.0.9")
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(connect(almanac, "127.0.0.9")) for _ in range(10)]
        assert [answer_on(one) for one in many] == [b"HTTP/1.1 200 OK"] * 10
