"""Holds answers against the description that the binary gives of itself (`almanac openapi`).

    contract.hold(response)         AssertionError when the answer is not as described

Every answer that a story gets goes through here (harness/almanac.py). A described object is held to
exactly its described members, though the description itself leaves room for more.
"""

import collections
import datetime
import functools
import json
import re
import subprocess

import jsonschema

JSON_TYPES = ("application/json", "application/problem+json")
DEPTH = 12  # deeper lie only values that nobody describes
LIST_ENDS = 30  # of a long list, its first and last items are looked at
LIBRARY = (414, 431)  # what libmicrohttpd may say by itself, before anybody looked
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Operation = collections.namedtuple("Operation", "method path pattern responses")


# --- the description --------------------------------------------------------------------------------


@functools.lru_cache
def document(program):
    done = subprocess.run([program, "openapi"], check=True, stdout=subprocess.PIPE, timeout=60)
    return json.loads(done.stdout)


def resolve(whole, node):
    """The same with what its references name in their place, and objects closed."""
    if isinstance(node, list):
        return [resolve(whole, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = whole
        for step in node["$ref"].lstrip("#/").split("/"):
            target = target[step]
        return resolve(whole, target)
    made = {name: resolve(whole, value) for name, value in node.items()}
    if isinstance(made.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made


def pattern_of(path):
    return re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part)
                               for part in path.split("/")))


@functools.lru_cache
def operations(program):
    whole = document(program)
    return [Operation(method.upper(), path, pattern_of(path), resolve(whole, operation["responses"]))
            for path, methods in whole["paths"].items() for method, operation in methods.items()]


@functools.lru_cache(maxsize=None)
def find(program, method, path):
    """The operation of a request; the path without fields goes first, as in the routes."""
    found = [operation for operation in operations(program)
             if operation.method == ("GET" if method == "HEAD" else method)
             and operation.pattern.fullmatch(path)]
    return min(found, key=lambda operation: operation.path.count("{"), default=None)


# --- schemas ------------------------------------------------------------------------------------------


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_moment(text):
    return not isinstance(text, str) or MOMENT.fullmatch(text) is not None


@FORMATS.checks("date")
def is_date(text):
    return not isinstance(text, str) or bool(datetime.date.fromisoformat(text))


@FORMATS.checks("uuid")
def is_uuid(text):
    return not isinstance(text, str) or UUID.fullmatch(text) is not None


validators = {}


def validator(program, key, schema):
    key = (program, *key)
    if key not in validators:
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[key] = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
    return validators[key]


def shorten(value, depth=DEPTH):
    if isinstance(value, dict) and depth:
        return {name: shorten(member, depth - 1) for name, member in value.items()}
    if not isinstance(value, list) or not depth:
        return value
    if len(value) > 2 * LIST_ENDS:
        value = value[:LIST_ENDS] + value[-LIST_ENDS:]
    return [shorten(item, depth - 1) for item in value]


# --- answers ------------------------------------------------------------------------------------------


def problem_content(program):
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"application/problem+json": {"schema": resolve(document(program), schema)}}


def content_of(program, operation, response):
    """What may be said with that status: a media type and its schema each."""
    status = str(response.status_code)
    if operation is None:
        return problem_content(program) if response.status_code >= 400 else {}
    assert status in operation.responses, \
        f"the status {status} is not described, only {', '.join(operation.responses)}: {response.text[:300]}"
    return operation.responses[status].get("content", {})


def hold(program, response):
    """`response` is one of the package requests."""
    method = response.request.method
    operation = find(program, method, response.request.path_url.partition("?")[0])
    where = f"{method} {response.request.path_url}"
    if response.status_code in LIBRARY:
        return
    try:
        content = content_of(program, operation, response)
        if method != "HEAD" and response.content:
            hold_body(program, (operation and operation.path, method, response.status_code), content,
                      response)
    except AssertionError as complaint:
        raise AssertionError(f"{where} is not as described: {complaint}") from None


def hold_body(program, key, content, response):
    media_type = response.headers.get("Content-Type")
    described = content.get(media_type) or content.get("*/*")
    assert described, f"Content-Type {media_type} is none of {list(content)}"
    if media_type not in JSON_TYPES:
        return
    judge = validator(program, (*key, media_type), described["schema"])
    for error in judge.iter_errors(shorten(response.json())):
        place = "/".join(map(str, error.absolute_path))
        raise AssertionError(f"/{place}: {error.message[:500]}")
