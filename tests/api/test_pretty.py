"""?pretty: any JSON answer laid out for people, errors too, with a tag of its own."""

import gzip
import json

import pytest

from harness.catalog import Catalog
from harness.feeds import base, event, feed, zone

WINDOW = "starts_at=2026-01-01&ends_at=2027-01-01"


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, module_world):
    module_world.serve("/feed", feed(*[
        base(number, f"Jazz \"{number}\" {{[,:", event(1, "2026-05-01T20:00:00", None, zone("5")))
        for number in range(40)]))
    almanac = start_module_almanac()
    assert Catalog(almanac).provide(module_world.url("/feed")) == 1
    return almanac


ANSWERS = {
    "from memory": f"/search?{WINDOW}", "a list": "/api/v1/events?limit=3",
    "from the cache": "/api/v1/events?q=jazz&limit=5", "one": "/api/v1/providers/1",
    "an empty list": "/api/v1/timers", "health": "/api/v1/health/check",
    "no such path": "/nothing", "a wrong parameter": "/api/v1/events?limit=x",
    "nothing there": "/api/v1/providers/77", "an older shape": "/search?starts_at=x",
    "another older shape": "/search/?offline=x",
}


def pretty(path):
    return path + ("&" if "?" in path else "?") + "pretty"


def steady(told):
    """Without what tells the target, which differs by the word."""
    return {name: value for name, value in told.items() if name not in ("instance", "message")}


@pytest.mark.parametrize("path", ANSWERS.values(), ids=ANSWERS)
def test_the_same_is_told_a_member_a_line(path, almanac):
    for _ in range(2):
        plain, laid = almanac.get(path), almanac.get(pretty(path))
        assert laid.status_code == plain.status_code
        assert laid.headers["Content-Type"] == plain.headers["Content-Type"]
        assert steady(laid.json()) == steady(plain.json())
        assert laid.text == json.dumps(laid.json(), indent=2, ensure_ascii=False) + "\n"
        assert plain.text.count("\n") == 1


def test_a_wrong_method_and_a_bad_body_are_laid_out_too(almanac):
    for answer in (almanac.delete("/status?pretty"),
                   almanac.post("/api/v1/timers?pretty", {"url": 7}),
                   almanac.post("/webhook?pretty", {"event": 7})):
        assert answer.status_code >= 400
        assert answer.text == json.dumps(answer.json(), indent=2, ensure_ascii=False) + "\n"


def test_a_created_thing_is_laid_out(almanac):
    made = almanac.post("/api/v1/timers?pretty=1", {"url": "http://receiver.example/", "delay": 3600,
                                                    "payload": {"a": [1, 2, []], "b": {}}})
    assert made.status_code == 201
    assert '"payload": {\n    "a": [\n      1,\n      2,\n      []\n    ],\n    "b": {}\n  }' in made.text


@pytest.mark.parametrize("path", ["/status", "/metrics", "/demo/events.xml"])
def test_what_is_no_json_stays_as_it_is(path, almanac):
    laid, plain = almanac.get(pretty(path)), almanac.get(path)
    assert laid.headers["Content-Type"] == plain.headers["Content-Type"]
    assert laid.text[:40] == plain.text[:40]


def test_an_answer_without_a_body_has_none(almanac):
    assert almanac.options("/status?pretty").content == b""
    assert almanac.put("/api/v1/users/u/source", {"kind": "generator"}).status_code == 200
    gone = almanac.delete("/api/v1/users/u/source?pretty")
    assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.parametrize("query", ["pretty=0", "pretty=false", "Pretty", "prettyprint", "q=pretty"])
def test_other_words_ask_for_nothing(query, almanac):
    assert almanac.get(f"/api/v1/providers/1?{query}").text.count("\n") == 1


@pytest.mark.parametrize("path", [f"/search?{WINDOW}", "/api/v1/events?q=jazz", "/api/v1/providers"])
def test_each_form_has_a_tag_of_its_own(path, almanac):
    tags = set()
    for way in (path, pretty(path)):
        for coding in ("identity", "gzip"):
            first = almanac.get(way, headers={"Accept-Encoding": coding})
            again = almanac.get(way, headers={"Accept-Encoding": coding,
                                              "If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]
            tags.add(first.headers["ETag"])
    plain = almanac.get(path, headers={"Accept-Encoding": "identity"})
    assert almanac.get(pretty(path), headers={"If-None-Match": plain.headers["ETag"],
                                              "Accept-Encoding": "identity"}).status_code == 200
    assert len(tags) == (4 if len(plain.content) > 1024 else 2)


@pytest.mark.parametrize("path", [f"/search?{WINDOW}", "/api/v1/events?q=jazz&limit=30"])
def test_it_is_compressed_too(path, almanac):
    for _ in range(2):
        packed = almanac.get(pretty(path), headers={"Accept-Encoding": "gzip"}, stream=True)
        plain = almanac.get(pretty(path), headers={"Accept-Encoding": "identity"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content


def test_head_tells_what_get_would(almanac):
    head, get = (almanac.request(method, "/api/v1/providers/1?pretty") for method in ("HEAD", "GET"))
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.content))
    assert head.headers["ETag"] == get.headers["ETag"] and head.content == b""


def test_the_next_page_is_laid_out_as_well(almanac):
    answer = almanac.get("/api/v1/events?limit=2&pretty")
    assert "&pretty&" in answer.headers["Link"] or "?pretty&" in answer.headers["Link"]
