"""The pretend outside keeps its promises."""

import gzip
import http.client
import json
import pathlib
import subprocess
import sys
import time

import pytest

from world import World

HERE = pathlib.Path(__file__).parent
FEED = HERE / "provider" / "01-moment1.xml"


@pytest.fixture(name="world")
def fixture_world():
    with World() as world:
        yield world


def ask(world, path, method="GET", body=None, headers=None, timeout=2):
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=timeout)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.whole = answer.read()
    connection.close()
    return answer


def test_serves_bytes_text_and_files(world):
    world.serve("/bytes", b"\x00\xff")
    world.serve("/text", "ñandú")
    world.serve("/file", FEED)
    assert ask(world, "/bytes").whole == b"\x00\xff"
    assert ask(world, "/text").whole.decode() == "ñandú"
    assert ask(world, "/file").whole == FEED.read_bytes()
    assert ask(world, "/file").getheader("Content-Type") == "application/xml"
    assert ask(world, "/unknown").status == 404


def test_remembers_requests(world):
    world.serve("/hook")
    ask(world, "/hook?a=b", "POST", b'{"x":1}', {"webhook-id": "7"})
    request, = world.wait_for(1, "/hook")
    assert (request.method, request.query, request.json()) == ("POST", "a=b", {"x": 1})
    assert request.headers["Webhook-Id"] == "7"
    assert abs(request.time - time.time()) < 5
    world.forget()
    assert world.requests == []
    with pytest.raises(AssertionError):
        world.wait_for(1, "/hook", seconds=0.1)


def test_script_goes_step_by_step_and_stays_at_the_last(world):
    world.script("/feed", [{"body": b"1"}, {"status": 503, "retry_after": 2}, {"body": b"3"}])
    answers = [ask(world, "/feed") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 503, 200, 200]
    assert answers[1].getheader("Retry-After") == "2"
    assert [answer.whole for answer in answers] == [b"1", b"", b"3", b"3"]


def test_etag_and_last_modified_give_304(world):
    world.serve("/feed", b"same", etag=True, last_modified="784111777")
    first = ask(world, "/feed")
    assert first.getheader("Last-Modified") == "Sun, 06 Nov 1994 08:49:37 GMT"
    again = ask(world, "/feed", headers={"If-None-Match": first.getheader("ETag")})
    assert (again.status, again.whole) == (304, b"")
    date = {"If-Modified-Since": first.getheader("Last-Modified")}
    assert ask(world, "/feed", headers=date).status == 304
    world.serve("/feed", b"other", etag=True)
    changed = ask(world, "/feed", headers={"If-None-Match": first.getheader("ETag")})
    assert (changed.status, changed.whole) == (200, b"other")


def test_gzip_chunked_and_drip_give_the_same_bytes(world):
    body = b"0123456789" * 10
    world.serve("/gzip", body, gzip=True)
    world.serve("/chunked", body, chunked=True)
    world.serve("/drip", body, drip=25, chunked=True)
    assert gzip.decompress(ask(world, "/gzip").whole) == body
    assert ask(world, "/chunked").whole == body
    began = time.monotonic()
    assert ask(world, "/drip").whole == body
    assert time.monotonic() - began > 0.15


def test_cut_and_redirect_and_big_headers(world):
    world.serve("/cut", b"x" * 100, cut=0.5)
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(world, "/cut")
    assert len(cut.value.partial) == 50
    world.serve("/from", redirect="/to")
    world.serve("/kept", redirect="/to", status=308)
    assert ask(world, "/from").status == 302
    assert (ask(world, "/kept").status, ask(world, "/kept").getheader("Location")) == (308, "/to")
    world.serve("/big", b"x", big_headers=20000)
    assert len(str(ask(world, "/big").headers)) > 19000


def test_reset_hang_stall_and_endless(world):
    world.serve("/reset", reset=True)
    world.serve("/torn", b"x" * 100, reset_after=10)
    world.serve("/hang", hang=True)
    world.serve("/stall", b"x" * 100, stall=10)
    world.serve("/endless", endless=True)
    for path in ("/reset", "/torn"):
        with pytest.raises(ConnectionResetError):
            ask(world, path)
    for path in ("/hang", "/stall"):
        with pytest.raises(TimeoutError):
            ask(world, path, timeout=0.2)
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=2)
    connection.request("GET", "/endless")
    assert len(connection.getresponse().read(1 << 20)) == 1 << 20
    connection.close()


def test_directory_and_its_scripts():
    with World(HERE / "provider") as world:
        assert ask(world, "/01-moment1.xml").whole == FEED.read_bytes()
        assert ask(world, "/01-moment1.xml?status=503&retry_after=4").getheader("Retry-After") == "4"
        assert ask(world, "/../world.py").status == 404
        assert ask(world, "/any/hook", "POST", b"{}").status == 200
        statuses = [ask(world, "/script/moments").status for _ in range(6)]
        assert statuses == [200, 503, 200, 200, 200, 200]


def test_the_command_prints_a_line_a_request():
    command = [sys.executable, str(HERE / "world.py"), "0", str(HERE / "provider")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = json.loads(process.stdout.readline())["listening"]
            connection = http.client.HTTPConnection(url.split("/")[2], timeout=2)
            connection.request("GET", "/01-moment1.xml?gzip=1")
            assert gzip.decompress(connection.getresponse().read()) == FEED.read_bytes()
            connection.close()
            assert json.loads(process.stdout.readline())["query"] == "gzip=1"
        finally:
            process.terminate()
