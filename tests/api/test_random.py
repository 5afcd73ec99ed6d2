"""A thousand requests made from the description, half right and half wrong: none is answered 5xx, and none
otherwise than described (every answer is held against the description, see harness/contract.py)."""

import json
import math
import urllib.parse

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from harness import contract
from harness.almanac import binary

REQUESTS = 1000

# What is called, or read, is never anywhere else.
URLS = ["http://127.0.0.1:9/hook", "http://127.0.0.1:9/", "127.0.0.1:9/without-a-scheme"]
WRONG_URLS = ["", "ftp://127.0.0.1/", "http://", "http://[", "http://user:pw@127.0.0.1/", "http:// /",
              "x" * 3000, None, 5, [], {"a": 1}]
OF_URLS = {"url", "webhookUrl"}

ODD_TEXTS = ["", " ", "\0", "0", "-1", "null", "true", "%00", "../..", "'; --", "<b>", "\u202e", "\U0001f600",
             "9" * 30, "1e400", "NaN", "2026-02-30", "2026-02-01T25:00:00Z", "9999-12-31T23:59:59.999Z",
             "x" * 1100, "{}", "[]", "a,b", "a b", "a&b=c", "é", "00000000-0000-0000-0000-000000000000"]
ODD_VALUES = [None, True, False, 0, -1, 1.5, 2**63, -2**63, 1e308, [], {}, [[]], {"a": None}, *ODD_TEXTS]

texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
values = st.sampled_from(ODD_VALUES) | st.integers() | st.text(max_size=20)


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    almanac = start_module_almanac()
    almanac.post("/api/v1/providers", {"name": "one", "url": URLS[0]})
    return almanac


@pytest.fixture(name="known", scope="module")
def fixture_known(almanac):
    """Ids of what there is, so that not everything is missing."""
    timer = almanac.post("/api/v1/timers", {"url": URLS[0], "delay": 3600}).json()["id"]
    return {"uuid": timer, "integer": 1}


# --- values ---------------------------------------------------------------------------------------------


def good_values(name, schema, example):
    """Of a parameter, or a member of a body: what its schema allows."""
    if name in OF_URLS:
        return st.sampled_from(URLS)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "integer":
        least = schema.get("minimum", 0)
        return st.integers(least, min(schema.get("maximum", 2**63 - 1), least + 2000))
    if schema.get("type") == "boolean":
        return st.booleans()
    if schema.get("type") == "string" and not {"format", "pattern", "anyOf"} & set(schema):
        most = min(schema.get("maxLength", 30), 30)
        return st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"),
                       min_size=schema.get("minLength", 0), max_size=most)
    return st.just(example)


def wrong_values(name, others):
    return st.sampled_from(WRONG_URLS) if name in OF_URLS else others


@st.composite
def mixed(draw, good, wrong):
    return draw(good if draw(st.integers(0, 3)) else wrong)


# --- requests -------------------------------------------------------------------------------------------


def written(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def parameter_values(parameter, known):
    schema = parameter["schema"]
    good = good_values(parameter["name"], schema, parameter.get("example", ""))
    if parameter["in"] == "path":
        there = known.get(schema.get("format") if schema.get("format") == "uuid" else schema["type"])
        good = st.just(there) | good if there else good
    return mixed(good, texts)


def is_sendable(text):
    return text.isprintable() and text.isascii() and text == text.strip()


@st.composite
def targets(draw, path, parameters, known):
    """Path and query."""
    query = []
    for parameter in parameters:
        if parameter["in"] == "path":
            text = written(draw(parameter_values(parameter, known))) or "x"
            path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(text, safe=""))
        elif parameter["in"] == "query" and (parameter.get("required") or draw(st.booleans())):
            query.append((parameter["name"], written(draw(parameter_values(parameter, known)))))
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


@st.composite
def objects(draw, schema, example):
    """Bodies of the described members, right and wrong, and some that are not described."""
    made = {}
    for name, member in schema.get("properties", {}).items():
        if name in schema.get("required", ()) or draw(st.booleans()):
            good = good_values(name, member, member.get("examples", [example.get(name)])[0])
            made[name] = draw(mixed(good, wrong_values(name, values)))
    if draw(st.booleans()):
        made[draw(st.text(max_size=5))] = draw(values)
    return {name: value for name, value in made.items() if name not in OF_URLS or value in URLS
            or value in WRONG_URLS}


def tame(example):
    """The same, calling nobody else."""
    if isinstance(example, list):
        return [tame(item) for item in example]
    if not isinstance(example, dict):
        return example
    return {name: URLS[0] if name in OF_URLS else value for name, value in example.items()}


@st.composite
def bodies(draw, content):
    """(bytes, content type)"""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=40)), draw(st.sampled_from([*content, "text/plain"]))
    if kind == 1:
        return json.dumps(draw(values)).encode(), "application/json"
    described = content["application/json"]
    example = tame(described["example"])
    if kind < 5 or not isinstance(example, dict):
        return json.dumps(draw(st.just(example) | st.just([example]))).encode(), "application/json"
    return json.dumps(draw(objects(described["schema"], example))).encode(), "application/json"


@st.composite
def requests_of(draw, operation, method, path, known):
    parameters = operation.get("parameters", [])
    target = draw(targets(path, parameters, known))
    headers = {parameter["name"]: text for parameter in parameters if parameter["in"] == "header"
               and draw(st.booleans()) and is_sendable(text := draw(texts))}
    body = None
    if "requestBody" in operation:
        body, headers["Content-Type"] = draw(bodies(operation["requestBody"]["content"]))
    return method, target, headers, body


# --- the story ------------------------------------------------------------------------------------------


def operations():
    whole = contract.document(binary())
    return [pytest.param(method.upper(), path, contract.resolve(whole, operation),
                         id=operation["operationId"])
            for path, methods in whole["paths"].items() for method, operation in methods.items()]


def is_fine(answer):
    """502 is the word of a calendar's source that cannot be read."""
    return answer.status_code < 500 or (
        answer.status_code == 502 and answer.json()["code"] == "source_failed")


@pytest.mark.parametrize("method, path, operation", operations())
def test_random_requests_are_answered_as_described(method, path, operation, almanac, known):
    seen = []

    @settings(max_examples=math.ceil(REQUESTS / len(operations())), derandomize=True, deadline=None,
              database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(requests_of(operation, method, path, known))
    def ask(asked):
        verb, target, headers, body = asked
        answer = almanac.request(verb, target, headers=headers, data=body)
        assert is_fine(answer), answer.text
        seen.append(answer.status_code)

    ask()
    assert seen and almanac.is_running
