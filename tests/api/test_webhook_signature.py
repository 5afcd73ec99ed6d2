"""Webhooks are signed as the Standard Webhooks specification says: whoever holds a secret can tell that
the daemon sent what came, when, and that nobody changed it."""

import base64
import hashlib
import hmac
import time

import pytest

from harness import almanac as daemons
from harness.processes import wait_until

FIRST = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECOND = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SETTINGS = {"WEBHOOK_ALLOW": "loopback", "TIMER_RETRY_SECONDS": "1.2"}
TOLERANCE_SECONDS = 60


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac(**SETTINGS, WEBHOOK_SIGNING_SECRETS=f"{FIRST}, {SECOND}")


# --- as a receiver does it ----------------------------------------------------------------------------


def signature_of(secret, name, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    code = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(code).decode()


def signatures(request):
    return request.headers["webhook-signature"].split(" ")


def verifies(secret, request, **changed):
    """Whether the holder of the secret believes what came."""
    told = {"name": request.headers["webhook-id"], "body": request.body,
            "timestamp": request.headers["webhook-timestamp"], **changed}
    return (abs(int(told["timestamp"]) - time.time()) < TOLERANCE_SECONDS
            and signature_of(secret, **told) in signatures(request))


def called(almanac, world, answers=({"status": 200},), **fields):
    """The requests a timer makes until it is over."""
    world.script("/hook", answers)
    answer = almanac.post("/api/v1/timers", {"url": world.url("/hook"), "delay": 0, **fields})
    assert answer.status_code == 201, answer.text
    timer = answer.json()["id"]
    wait_until(lambda: almanac.get(f"/api/v1/timers/{timer}").json()["status"] == "finished", 20,
               "it is finished")
    requests = world.requests_to("/hook")
    assert {request.headers["webhook-id"] for request in requests} == {timer}
    return requests


# --- the stories --------------------------------------------------------------------------------------


def test_the_receiver_here_agrees_with_the_public_vector():
    assert signature_of(FIRST, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                        b'{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


@pytest.mark.parametrize("payload", [
    None,
    {"text": "ñandú 🦤", "number": 1.50, "list": [1, [2], {}]},
    {"long": "x" * 200_000},
], ids=["none", "text", "long"])
def test_each_secret_signs_once_in_the_order_of_the_setting(almanac, world, payload):
    [request] = called(almanac, world, payload=payload)
    assert request.json()["payload"] == payload
    assert len(signatures(request)) == 2
    for secret, signature in zip((FIRST, SECOND), signatures(request)):
        assert verifies(secret, request)
        assert signature == signature_of(secret, request.headers["webhook-id"],
                                         request.headers["webhook-timestamp"], request.body)


def test_nothing_of_it_can_be_changed(almanac, world):
    [request] = called(almanac, world, payload={"amount": 1})
    assert verifies(FIRST, request)
    assert not verifies(FIRST, request, body=request.body.replace(b'"amount":1', b'"amount":9'))
    assert not verifies(FIRST, request, body=request.body + b"\n")
    assert not verifies(FIRST, request, name="another")
    assert not verifies(FIRST, request, timestamp=int(request.headers["webhook-timestamp"]) + 1)
    assert not verifies(FIRST[:-4] + "AAAA", request)


def test_every_attempt_is_signed_for_its_own_time(almanac, world):
    first, second = called(almanac, world, answers=[{"status": 500}, {"status": 200}])
    assert [first.json()["attempt"], second.json()["attempt"]] == [1, 2]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert verifies(FIRST, first) and verifies(FIRST, second)
    assert signatures(first) != signatures(second)
    for request in (first, second):
        fired = request.json()["firedAt"]
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S",
                              time.gmtime(int(request.headers["webhook-timestamp"])))
        assert fired.startswith(stamp)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_call_without_body_is_signed_all_the_same(almanac, world, method):
    [request] = called(almanac, world, method=method, payload={"not": "sent"})
    assert request.method == method and request.body == b""
    assert request.headers["content-type"] is None
    assert verifies(FIRST, request) and verifies(SECOND, request)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_call_with_body_is_signed(almanac, world, method):
    [request] = called(almanac, world, method=method, payload=[method])
    assert request.method == method and request.json()["payload"] == [method]
    assert request.headers["content-type"] == "application/json"
    assert verifies(FIRST, request) and verifies(SECOND, request)


def test_headers_of_the_timer_go_along(almanac, world):
    [request] = called(almanac, world, headers={"X-Mine": "mine"})
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("almanac/")
    assert request.headers["x-mine"] == "mine"


@pytest.mark.parametrize("name", ["webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE",
                                  "Content-Type", "User-Agent"])
def test_a_timer_cannot_set_what_is_ours(almanac, name):
    answer = almanac.post("/api/v1/timers", {"url": "http://receiver/", "delay": 60,
                                             "headers": {name: "mine"}})
    assert answer.status_code in (400, 422)
    assert "headers" in [fault["field"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize("text, words", [
    ("secret", "secret 1 must be whsec_ and base64"),
    (f"{FIRST},whsec_dG9vIHNob3J0", "secret 2 must be whsec_ and base64"),
    (f"{FIRST},", "secret 2 must be whsec_ and base64"),
    (",".join([FIRST] * 17), "at most 16 secrets"),
])
def test_a_malformed_secret_stops_the_start_and_is_not_told(database, text, words):
    done = daemons.run("check", DATABASE_URL=database, WEBHOOK_SIGNING_SECRETS=text)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "WEBHOOK_SIGNING_SECRETS" in told and words in told
    assert "MfKQ9r8G" not in told and "dG9vIHNob3J0" not in told
