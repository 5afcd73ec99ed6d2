"""A route that is not described, and told in a story, cannot exist."""

import json
import re
import subprocess

import pytest

from house import BUILD, ROOT, read, routes

PLACES = {"path", "query", "body", "header"}


def tell(route):
    return f"{route['method']} {route['path']}"


def wrong_routes(is_wrong):
    return [tell(route) for route in routes() if is_wrong(route)]


def wrong_fields(is_wrong):
    return [f"{tell(route)}: {field['name']}"
            for route in routes() for field in route["fields"] if is_wrong(field)]


def stories():
    return "\n".join(read(path) for path in sorted((ROOT / "tests" / "api").glob("*.py")))


def test_there_are_routes():
    assert len(routes()) > 10


def test_names_are_unique():
    names = [route["name"] for route in routes()]
    assert len(names) == len(set(names))


def test_method_and_path_are_unique():
    paths = [(route["method"], re.sub(r"\{[^}]*\}", "{}", route["path"])) for route in routes()]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("member", ["name", "tag", "summary", "description"])
def test_a_route_is_described(member):
    assert not wrong_routes(lambda route: not (route[member] or "").strip())


def test_a_name_is_made_of_words():
    assert not wrong_routes(lambda route: not re.fullmatch(r"[a-z]+(_[a-z]+)+", route["name"]))


def test_a_summary_is_a_title_and_a_description_is_made_of_sentences():
    assert not wrong_routes(lambda route: route["summary"].endswith("."))
    assert not wrong_routes(lambda route: route["description"][-1] not in ".!?")


@pytest.mark.parametrize("member", ["answer_schema", "body_schema"])
def test_schemas_are_json(member):
    for route in routes():
        if route[member] is not None:
            assert isinstance(json.loads(route[member]), dict), tell(route)


TEXT_ONLY = {"catalog_demo", "documents_guide", "documents_page", "documents_file", "health_live",
             "health_metrics", "health_status", "health_text"}
OLDER = {"/search/", "/events/", "/webhook/"}


def test_an_answer_has_a_schema_unless_it_is_text_or_empty():
    without = {route["name"] for route in routes() if not route["answer_schema"]
               and set(route["outcomes"].values() or [route["status"]]) != {204}
               and 204 != route["status"]}
    assert without == TEXT_ONLY


def test_only_older_paths_end_with_a_slash():
    assert {route["path"] for route in routes()
            if route["path"].endswith("/") and route["path"] != "/"} == OLDER


def titled(schema):
    """(title, schema) of all objects with a title in it."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            yield schema["title"], schema
        for member in schema.values():
            yield from titled(member)
    elif isinstance(schema, list):
        for item in schema:
            yield from titled(item)


def schemas():
    texts = [route[member] for route in routes()
             for member in ("answer_schema", "body_schema", "complaint_schema")]
    texts += [other for route in routes() for other in route["other_schemas"]]
    return [json.loads(text) for text in texts if text]


def test_a_title_stands_for_one_schema():
    found = {}
    for schema in schemas():
        for title, meant in titled(schema):
            assert found.setdefault(title, meant) == meant, title
            assert re.fullmatch(r"([A-Z][a-z]+)+", title)
    assert len(found) > 10


def document():
    done = subprocess.run([BUILD / "almanac", "openapi"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def test_the_description_has_the_routes_and_no_others():
    described = {(method.upper(), path) for path, methods in document()["paths"].items()
                 for method in methods}
    assert described == {(route["method"], route["path"]) for route in routes()}


def test_the_postman_collection_is_made_of_the_description():
    """`make postman` writes it anew."""
    done = subprocess.run([ROOT / ".make" / "postman", "-"], check=True, stdout=subprocess.PIPE,
                          input=json.dumps(document()), text=True)
    assert read(ROOT / "docs" / "postman.json") == done.stdout


def test_the_readme_lists_what_may_come_from_a_replica():
    _, _, below = read(ROOT / "README.md").partition("| may come from a replica |\n| --- |\n")
    told = re.findall(r"`([A-Z]+ /\S*)`", below.partition("\n\n")[0])
    assert sorted(told) == sorted(tell(route) for route in routes() if route["may_lag"])


def test_every_tag_is_described_and_used():
    told = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert set(told) == {route["tag"] for route in routes()}
    assert all(told.values())


def test_a_raw_body_has_a_schema_and_no_fields():
    assert not wrong_routes(lambda route: route["raw_body"] != bool(route["body_schema"]))
    assert not wrong_routes(lambda route: route["raw_body"]
                            and any(field["place"] == "body" for field in route["fields"]))


def test_the_fields_of_the_path_are_read_in_their_order():
    assert not wrong_routes(
        lambda route: re.findall(r"\{([^}]*)\}", route["path"])
        != [field["name"] for field in route["fields"] if field["place"] == "path"])


def test_field_names_are_unique():
    def is_wrong(route):
        names = [(field["place"], field["name"]) for field in route["fields"]]
        return len(names) != len(set(names))

    assert not wrong_routes(is_wrong)


def test_a_story_tells_every_route():
    """Its path stands in a file of tests/api, with any values in place of the path's fields."""
    text = stories()
    value = r"(?:\{[^}]*\}|[^\s/?\"'{}])+"

    def is_untold(route):
        path = value.join(map(re.escape, re.split(r"\{[^}]*\}", route["path"])))
        return not re.search(rf"[\"'}}]{path}[\"'?#\s]", text)

    assert not wrong_routes(is_untold)


@pytest.mark.parametrize("member", ["description", "example"])
def test_a_field_is_described(member):
    assert not wrong_fields(lambda field: not field[member])


def test_a_field_has_a_place_and_a_kind():
    assert not wrong_fields(lambda field: field["place"] not in PLACES or not field["kind"])


def test_only_a_choice_names_its_words():
    assert not wrong_fields(lambda field: (field["kind"] == "choice") != bool(field["choices"]))


def test_the_default_and_the_example_of_a_choice_are_among_its_words():
    assert not wrong_fields(
        lambda field: field["choices"]
        and not {field["default"] or field["example"], field["example"]} <= set(field["choices"]))
