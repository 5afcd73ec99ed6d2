"""What holds on every path: problems, methods, bodies, request ids, validators, compression."""

import gzip
import json
import re
import socket
import uuid

import pytest

from harness.catalog import Catalog
from harness.feeds import base, event, feed, zone

ID = "11111111-2222-3333-4444-555555555555"
ROUTES = {
    "/status": ["GET"], "/health": ["GET"], "/livez": ["GET"], "/readyz": ["GET"],
    "/api/v1/health/check": ["GET"], "/metrics": ["GET"], "/demo/events.xml": ["GET"],
    "/search": ["GET"], "/search/": ["GET"], "/events/": ["GET"], "/api/v1/events": ["GET"],
    f"/api/v1/events/{ID}": ["GET"],
    "/api/v1/providers": ["GET", "POST"],
    "/api/v1/providers/1": ["GET", "PATCH", "DELETE"],
    "/api/v1/providers/1/sync": ["POST"],
    "/api/v1/providers/1/syncs": ["GET"],
    f"/api/v1/providers/1/syncs/{ID}": ["GET"],
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
UNKNOWN = ["/nothing", "/Search", "/search//", "/api/v1/providers/", "/api/v2/events",
           "/status/", "/api/v1/events/" + ID + "/", "/api/v1/providers//syncs", "/search%20"]


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, module_world):
    """A daemon with provider 1 and answers of every size."""
    module_world.serve("/feed", feed(*[
        base(number, f"Jazz {number}", event(1, "2026-05-01T20:00:00", None, zone("5")))
        for number in range(40)]))
    almanac = start_module_almanac()
    assert Catalog(almanac).provide(module_world.url("/feed")) == 1
    return almanac


def ask_as_written(almanac, target):
    """The status and body of a GET whose target no library has mended."""
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        text = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = text.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    assert answer.text.endswith("}\n")
    told = answer.json()
    assert list(told)[:6] == ["type", "title", "status", "detail", "instance", "code"]
    assert told["status"] == answer.status_code
    assert told["type"] == f"urn:almanac:problem:{told['code']}"
    assert told["title"] and told["detail"]
    return told


# --- paths and methods ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_paths(path, almanac):
    for method in METHODS:
        told = problem(almanac.request(method, path))
        assert (told["status"], told["code"]) == (404, "no_such_route")
        assert told["instance"] == path
        assert (told["message"], told["error"]) == (f"Cannot {method} {path}", "Not Found")


@pytest.mark.parametrize("path", ROUTES)
def test_wrong_methods(path, almanac):
    for method in set(METHODS + ["TRACE", "PROPFIND"]) - set(ROUTES[path]):
        answer = almanac.request(method, path)
        told = problem(answer)
        assert (told["status"], told["code"]) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == allowed(path)


def allowed(path):
    words = []
    for method in ROUTES[path]:
        words += ["GET", "HEAD"] if method == "GET" else [method]
    return ", ".join([*words, "OPTIONS"])


@pytest.mark.parametrize("path", ROUTES)
def test_options(path, almanac):
    answer = almanac.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == allowed(path)


def test_options_of_the_server_and_of_nothing(almanac):
    assert almanac.options("/nothing").status_code == 404
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize("path", [path for path in ROUTES if "GET" in ROUTES[path]
                                  and path != "/metrics"])
def test_head_tells_what_get_would(path, almanac):
    for query in ("", "?starts_at=2026-01-01&ends_at=2027-01-01"):
        for coding in ({}, {"Accept-Encoding": "gzip"}):
            head = almanac.head(path + query, headers=coding)
            get = almanac.get(path + query, headers=coding)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert without_changing(head.headers) == without_changing(get.headers)


def without_changing(headers):
    return {name: value for name, value in headers.items()
            if name not in ("X-Request-Id", "Date", "X-Catalog-Age")}


# --- what a request may hold ----------------------------------------------------------------------


@pytest.mark.parametrize("query", ["%", "%4", "%zz", "a=%C3%28", "a=%FF", "a=%00", "%00=a",
                                   "&".join(f"a{number}=1" for number in range(65))])
@pytest.mark.parametrize("path", ["/status", "/api/v1/events", "/api/v1/providers"])
def test_queries_that_cannot_be_read(path, query, almanac):
    status, body = ask_as_written(almanac, f"{path}?{query}")
    assert (status, json.loads(body)["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/%", "/status%", "/api/v1/providers/%00", "/%C3%28",
                                  "/api/v1/events/%FF", "/%zz"])
def test_paths_that_cannot_be_read(path, almanac):
    status, body = ask_as_written(almanac, path)
    assert (status, json.loads(body)["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/api/v1/events/{x}", "/api/v1/timers/{", "/api/v1/timers/{id}"])
def test_braces_in_a_path_are_text_like_other(path, almanac):
    status, body = ask_as_written(almanac, path)
    assert (status, json.loads(body)["code"]) == (400, "invalid_parameters")


def test_older_paths_tell_unreadable_queries_in_their_own_words(almanac):
    assert almanac.get("/search?starts_at=%FF").json()["error"]["code"] == 400
    assert "detail" in almanac.get("/search/?starts_at=%00").json()


def test_queries_are_decoded(almanac):
    given = "startsAt=2026-05-01T20%3A00%3A00%2B00:00&%65ndsAt=2026-05-01+20:00&limit=1"
    assert len(almanac.get(f"/api/v1/events?{given}").json()["data"]) == 1


@pytest.mark.parametrize("size", [(1 << 20) + 1, 3 << 20])
def test_bodies_that_are_too_large(size, almanac):
    body = b'{"name":"' + b"x" * (size - 11) + b'"}'
    answer = almanac.post("/api/v1/providers", data=body,
                          headers={"Content-Type": "application/json"})
    assert (problem(answer)["status"], answer.json()["code"]) == (413, "body_too_large")


def test_bodies_up_to_the_limit_are_read(almanac):
    body = b'{"name":"' + b"x" * ((1 << 20) - 11) + b'"}'
    answer = almanac.post("/api/v1/providers", data=body,
                          headers={"Content-Type": "application/json"})
    assert problem(answer)["code"] == "invalid_body"


@pytest.mark.parametrize("size", [0, 1, 65536])
def test_small_bodies_where_none_is_asked_are_ignored(size, almanac):
    assert almanac.request("GET", "/status", data=b"x" * size).status_code == 200


def test_large_bodies_where_none_is_asked(almanac):
    assert problem(almanac.request("GET", "/status", data=b"x" * 65537))["status"] == 413


def test_chunked_bodies(almanac):
    def pieces():
        yield b'{"name":"in pieces",'
        yield b'"url":"http://127.0.0.1:9/"}'

    answer = almanac.post("/api/v1/providers", data=pieces(),
                          headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    answer = almanac.post("/api/v1/providers", data=(b"x" * 1000 for _ in range(1100)),
                          headers={"Content-Type": "application/json"})
    assert problem(answer)["status"] == 413


def test_expect_continue(almanac):
    body = b'{"name":"expected","url":"http://127.0.0.1:9/"}'
    head = (b"POST /api/v1/providers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n")
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(head % len(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(head % (2 << 20))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


# --- what every answer says -----------------------------------------------------------------------


@pytest.mark.parametrize("path", [*ROUTES, "/nothing", "/search?starts_at=x", "/search/?offline=x",
                                  "/api/v1/events?limit=x", "/api/v1/providers/x"])
def test_every_answer(path, almanac):
    answer = almanac.get(path)
    assert answer.status_code < 500
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["Date"])
    if "json" in answer.headers["Content-Type"]:
        assert answer.text.endswith("}\n")
        json.loads(answer.content.decode("utf-8"))


def test_request_ids_are_echoed_and_logged(almanac):
    for given in (str(uuid.uuid4()), "a", "A-1_b.c", "x" * 64):
        answer = almanac.get("/search/", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] == given
        line = almanac.wait_for_log("request", id=given)
        assert (line["method"], line["target"], line["status"]) == ("GET", "/search/", "200")
        assert float(line["ms"]) >= 0 and "db_ms" in line and "rows" in line


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a=b", "é", "<x>"])
def test_unusable_request_ids_are_replaced(given, almanac):
    answer = almanac.get("/status", headers={"X-Request-Id": given.encode()})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_request_ids_differ(almanac):
    ids = {almanac.get("/status").headers["X-Request-Id"] for _ in range(50)}
    assert len(ids) == 50


def test_errors_carry_request_ids_too(almanac):
    for path in ("/nothing", "/search", "/api/v1/providers/x"):
        assert almanac.get(path, headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] == "mine"


# --- validators and compression -------------------------------------------------------------------


REVALIDATED = ["/search?starts_at=2026-01-01&ends_at=2027-01-01", "/api/v1/events?q=jazz",
               "/api/v1/providers", "/api/v1/providers/1", "/demo/events.xml"]


@pytest.mark.parametrize("path", REVALIDATED)
def test_strong_etags_and_304(path, almanac):
    first = almanac.get(path)
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    for method in ("GET", "HEAD"):
        again = almanac.request(method, path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["X-Request-Id"]
    assert almanac.get(path).content == first.content


@pytest.mark.parametrize("path", ["/status", "/metrics", "/api/v1/providers/x", "/nothing",
                                  "/search", "/api/v1/providers/1/syncs"])
def test_other_answers_have_no_etag(path, almanac):
    answer = almanac.get(path, headers={"If-None-Match": "*"})
    assert answer.status_code != 304
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("coding, is_packed", [
    ("gzip", True), ("gzip, deflate, br", True), ("GZIP", True), ("*", True), ("gzip;q=0.5", True),
    ("deflate", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.000", False),
    ("*;q=0", False), ("*, gzip;q=0", False), ("gzip;q=0, *", False), ("gzipped", False),
    ("", False)])
def test_compression_is_negotiated(coding, is_packed, almanac):
    path = "/search?starts_at=2026-01-01&ends_at=2027-01-01"
    plain = almanac.get(path)
    answer = almanac.get(path, headers={"Accept-Encoding": coding}, stream=True)
    body = answer.raw.read(decode_content=False)
    assert (answer.headers.get("Content-Encoding") == "gzip") is is_packed
    assert (gzip.decompress(body) if is_packed else body) == plain.content
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert (answer.headers["ETag"] != plain.headers["ETag"]) is is_packed


def test_small_answers_and_errors_are_not_compressed(almanac):
    for path in ("/status", "/search?starts_at=2036-01-01&ends_at=2037-01-01", "/nothing"):
        answer = almanac.get(path, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers
        assert "Vary" not in answer.headers


def test_connections_are_kept(almanac):
    head = b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        for _ in range(3):
            connection.sendall(head)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert b"Connection: close" in connection.recv(1000)
        assert connection.recv(1000) == b""


def test_concurrent_requests_do_not_mix(almanac):
    """Many questions on one connection are answered in their order."""
    starts = [f"2026-05-{day:02}" for day in range(1, 29)]
    asked = "".join(f"GET /search/?starts_at={start}&limit={start} HTTP/1.1\r\nHost: a\r\n"
                    f"X-Request-Id: {start}\r\n\r\n" for start in starts)
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(asked.encode())
        text = b""
        while text.count(b"X-Request-Id: ") < len(starts):
            part = connection.recv(65536)
            assert part, text[-200:]
            text += part
    assert re.findall(rb"X-Request-Id: (\S+)", text) == [start.encode() for start in starts]


# --- errors tell what to do -----------------------------------------------------------------------

ADVISED = {
    ("GET", "/nothing"): "GET / lists the paths", ("PUT", "/status"): "Allow",
    ("GET", "/api/v1/providers/77"): "GET /api/v1/providers ",
    ("GET", f"/api/v1/events/{ID}"): "GET /api/v1/events ",
    ("GET", f"/api/v1/timers/{ID}"): "GET /api/v1/timers ",
    ("GET", "/api/v1/tasks/none"): "GET /api/v1/tasks ",
    ("GET", "/api/v1/webhooks/77"): "GET /api/v1/webhooks ",
    ("POST", "/api/v1/providers"): "Content-Type",
    ("GET", "/api/v1/events?limit=x"): "limit must be",
}


@pytest.mark.parametrize("method, path", ADVISED)
def test_a_problem_says_what_to_do(method, path, almanac):
    told = problem(almanac.request(method, path, data=b"{}" if method == "POST" else None))
    assert ADVISED[method, path] in told["detail"]
    assert told["detail"] != told["title"]
