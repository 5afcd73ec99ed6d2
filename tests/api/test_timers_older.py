"""Timers in the older form: both bodies exactly, and every sentence of its rules."""

import json
import time

import pytest

from harness.timers import ATTEMPT, Timers, set_nowhere_apart

NOBODY = "01a20fc2-9490-7f47-8390-ba05f93f947b"
URL = "http://receiver.example/hook"
WELL = {"hours": 1, "minutes": 2, "seconds": 3, "webhookUrl": URL}

WHOLE = "must be an integer number"
LEAST = "must not be less than 0"
GIVEN = "should not be null or undefined"
ADDRESS = "must be a URL address"
MOST = {"hours": "must not be greater than 87600", "minutes": "must not be greater than 59",
        "seconds": "must not be greater than 59"}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, module_database):
    set_nowhere_apart(module_database)
    return start_module_almanac()


@pytest.fixture(name="timers", scope="module")
def fixture_timers(almanac):
    return Timers(almanac)


def without_id(answer):
    body = answer.json()
    body["timer"].pop("timerId")
    return body


def complaint(answer, status):
    """`details`; the rest is judged here."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == ["code", "details", "timestamp", "message"]
    assert body["code"] == status
    assert abs(body["timestamp"] - time.time() * 1000) < 60000
    assert isinstance(body["timestamp"], int)
    assert body["message"]
    return body["details"]


def sentences(field, *rules):
    return {field: [f"{field} {rule}" for rule in rules]}


# --- the two bodies -----------------------------------------------------------------------------------


def test_create(almanac):
    answer = almanac.post("/api/v1/timer", WELL)
    timer = answer.json()["timer"]["timerId"]
    assert answer.status_code == 201
    assert answer.text == (
        '{"code":201,"message":"Timer Created!","timer":{"timerId":"%s","timeLeft":3722,'
        '"timerStatus":"Scheduled"}}\n' % timer)


def test_find(almanac, timers):
    timer = almanac.post("/api/v1/timer", WELL).json()["timer"]["timerId"]
    timers.query("UPDATE timers SET due_at = clock_timestamp() + interval '100.9 s' WHERE id = %s",
                 timer)
    answer = almanac.get(f"/api/v1/timer/{timer}")
    left = answer.json()["timer"]["timeLeft"]
    assert answer.status_code == 200
    assert 70 < left <= 100
    assert answer.text == (
        '{"code":200,"message":"fetched successfully!","timer":{"timerId":"%s","timeLeft":%d,'
        '"timerStatus":"Scheduled"}}\n' % (timer, left))


def test_a_timer_is_found_right_after_it_was_created(almanac):
    for _ in range(100):
        made = almanac.post("/api/v1/timer", WELL).json()["timer"]
        found = almanac.get(f"/api/v1/timer/{made['timerId']}").json()["timer"]
        assert found["timerId"] == made["timerId"]
        assert found["timeLeft"] in range(3700, 3723)


TIMES = [((0, 0, 0), 0), ((0, 0, 1), 0), ((0, 0, 2), 1), ((0, 59, 59), 3598), ((87600, 0, 0), 315359999),
         ((87600, 59, 59), 315363598), ((1.0, 2.0, 3e0), 3722)]


@pytest.mark.parametrize("clock, left", TIMES)
def test_whole_seconds_are_left(clock, left, almanac):
    hours, minutes, seconds = clock
    answer = almanac.post("/api/v1/timer", {**WELL, "hours": hours, "minutes": minutes,
                                            "seconds": seconds})
    assert answer.status_code == 201
    assert without_id(answer)["timer"] == {"timeLeft": left, "timerStatus": "Scheduled"}


def test_nothing_left_fires_at_once(almanac, timers):
    made = almanac.post("/api/v1/timer", {**WELL, "hours": 0, "minutes": 0, "seconds": 0,
                                          "webhookUrl": "http://127.0.0.1:9/"}).json()
    found = timers.find(made["timer"]["timerId"])
    assert found["dueAt"] == found["createdAt"]
    assert found["status"] != "scheduled" or found["attempts"] > 0


STATES = [("scheduled", "Scheduled"), ("running", "Running"), ("finished", "Finished"),
          ("failed", "Failed"), ("cancelled", "Cancelled")]


@pytest.mark.parametrize("state, told", STATES)
def test_states(state, told, almanac, timers):
    if state == "scheduled":
        timer = timers.create_retrying(ATTEMPT)
    else:
        timer = timers.create_running() if state == "running" else timers.create_over(state)
    assert timers.find(timer)["status"] == state
    answer = almanac.get(f"/api/v1/timer/{timer}")
    assert answer.json()["timer"] == {"timerId": timer, "timeLeft": 0, "timerStatus": told}


def test_a_timer_is_the_same_in_both_forms(almanac, timers):
    timer = almanac.post("/api/v1/timer", WELL).json()["timer"]["timerId"]
    found = timers.find(timer)
    assert {name: found[name] for name in ("url", "method", "status", "attempts", "maxAttempts",
                                           "timeoutMs", "headers", "payload", "metadata")} == {
        "url": URL, "method": "POST", "status": "scheduled", "attempts": 0, "maxAttempts": 6,
        "timeoutMs": 10000, "headers": None, "payload": None, "metadata": None}


@pytest.mark.parametrize("url, kept", [
    ("receiver", "http://receiver"), ("receiver/path", "http://receiver/path"),
    ("receiver:3000", "http://receiver:3000"), ("http://localhost:3000", "http://localhost:3000"),
    ("https://example.com/a?b=c", "https://example.com/a?b=c")])
def test_addresses_that_are_taken(url, kept, almanac, timers):
    made = almanac.post("/api/v1/timer", {**WELL, "webhookUrl": url}).json()
    assert timers.find(made["timer"]["timerId"])["url"] == kept


def test_unknown_members_are_ignored(almanac):
    assert almanac.post("/api/v1/timer", {**WELL, "delay": "x", "payload": 1}).status_code == 201


# --- every sentence -----------------------------------------------------------------------------------

NUMBERS = [
    ("missing", (WHOLE, LEAST, "most", GIVEN)), (None, (WHOLE, LEAST, "most", GIVEN)),
    ("5", (WHOLE, LEAST, "most")), ("", (WHOLE, LEAST, "most")), (True, (WHOLE, LEAST, "most")),
    ([5], (WHOLE, LEAST, "most")), ({}, (WHOLE, LEAST, "most")), (-1, (LEAST,)),
    (-1.5, (WHOLE, LEAST)), (0.5, (WHOLE,)), (-0.5, (WHOLE, LEAST)), (1e300, ("most",)),
    (-1e300, (LEAST,)), (2**63 - 1, ("most",)), (87601, ("most",)), (87600.5, (WHOLE, "most"))]


@pytest.mark.parametrize("field", ["hours", "minutes", "seconds"])
@pytest.mark.parametrize("value, rules", NUMBERS)
def test_sentences_about_numbers(value, rules, field, almanac):
    body = {**WELL, field: value}
    if value == "missing":
        body.pop(field)
    rules = [MOST[field] if rule == "most" else rule for rule in rules]
    assert complaint(almanac.post("/api/v1/timer", body), 400) == sentences(field, *rules)


@pytest.mark.parametrize("field", ["minutes", "seconds"])
def test_sixty_is_too_much(field, almanac):
    assert complaint(almanac.post("/api/v1/timer", {**WELL, field: 60}), 400) == \
        sentences(field, MOST[field])


@pytest.mark.parametrize("value, rules", [
    ("missing", (ADDRESS, GIVEN)), (None, (ADDRESS, GIVEN)), ("", (ADDRESS,)), (5, (ADDRESS,)),
    ([URL], (ADDRESS,)), ("not a url", (ADDRESS,)), ("http://", (ADDRESS,)), ("ftp://a/", (ADDRESS,)),
    ("http://user:secret@a/", (ADDRESS,)), ("http://a/#b", (ADDRESS,)), ("a:0", (ADDRESS,)),
    ("http://a/\n", (ADDRESS,)), ("http://a/" + "x" * 2040, (ADDRESS,))])
def test_sentences_about_addresses(value, rules, almanac):
    body = {**WELL, "webhookUrl": value}
    if value == "missing":
        body.pop("webhookUrl")
    assert complaint(almanac.post("/api/v1/timer", body), 400) == sentences("webhookUrl", *rules)


def test_all_fields_are_judged_at_once(almanac):
    assert complaint(almanac.post("/api/v1/timer", {}), 400) == {
        **sentences("hours", WHOLE, LEAST, MOST["hours"], GIVEN),
        **sentences("minutes", WHOLE, LEAST, MOST["minutes"], GIVEN),
        **sentences("seconds", WHOLE, LEAST, MOST["seconds"], GIVEN),
        **sentences("webhookUrl", ADDRESS, GIVEN)}


def test_ids_that_are_none(almanac):
    for timer in ("7", NOBODY[:-1], NOBODY + "0", "x" * 36):
        assert complaint(almanac.get(f"/api/v1/timer/{timer}"), 400) == \
            sentences("timerId", "must be a UUID")


def test_ids_that_are_not_there(almanac):
    assert complaint(almanac.get(f"/api/v1/timer/{NOBODY}"), 404) == {
        "message": f"timer by timerId: {NOBODY}, not found"}
    assert complaint(almanac.get(f"/api/v1/timer/{NOBODY.upper()}"), 404) == {
        "message": f"timer by timerId: {NOBODY}, not found"}


# --- other complaints have the same shape --------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[1", b'{"hours":1e400}', b'{"hours":99999999999999999999}'])
def test_bodies_that_are_no_json(body, almanac):
    answer = almanac.post("/api/v1/timer", data=body, headers={"Content-Type": "application/json"})
    assert list(complaint(answer, 400)) == ["message"]


@pytest.mark.parametrize("body", [[], 7, "x", None])
def test_bodies_that_are_no_objects(body, almanac):
    answer = almanac.post("/api/v1/timer", data=json.dumps(body),
                          headers={"Content-Type": "application/json"})
    assert complaint(answer, 400)["message"].startswith("the body must be an object, not ")


def test_bodies_of_another_type(almanac):
    answer = almanac.post("/api/v1/timer", data=b"hours=1",
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert complaint(answer, 415) == {"message": "Content-Type must be application/json"}


def test_large_bodies(almanac):
    answer = almanac.post("/api/v1/timer", {**WELL, "more": "x" * (1 << 20)})
    assert complaint(answer, 413) == {"message": "at most 1048576 bytes are taken here"}
