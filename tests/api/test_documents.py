"""What there is to read: the guide at /, the description at /openapi.json, the page at /docs."""

import gzip
import html.parser
import re
import types

import pytest

from harness import contract
from harness.almanac import binary

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    return start_module_almanac()


@pytest.fixture(name="description", scope="module")
def fixture_description(almanac):
    return almanac.get("/openapi.json").json()


class Links(html.parser.HTMLParser):
    """What a page leads to and loads."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.inline = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.found += [value for name, value in attrs if name in ("href", "src")]
        if tag == "style" or "style" in attributes or (tag == "script" and "src" not in attributes):
            self.inline.append(tag)


def links_of(almanac, path):
    return Links(almanac.get(path, headers={"Accept": BROWSER}).text)


def has_swagger(almanac):
    return almanac.get("/docs/swagger-ui.js").status_code == 200


# --- /openapi.json ------------------------------------------------------------------------------------


def test_the_description_is_that_of_the_binary(almanac, description):
    assert description == contract.document(binary())
    assert description["openapi"] == "3.1.0"
    assert almanac.get("/api/v1/health/check").json()["version"] == description["info"]["version"]


def test_the_description_comes_with_a_tag_and_is_not_sent_twice(almanac):
    first = almanac.get("/openapi.json")
    again = almanac.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.css"])
def test_finished_bytes_are_the_same_with_and_without_gzip(path, almanac):
    plain = almanac.get(path)
    packed = almanac.get(path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_head_tells_the_length_of_the_description(almanac):
    head, get = almanac.head("/openapi.json"), almanac.get("/openapi.json")
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_every_reference_leads_somewhere(description):
    references = set(re.findall(r"'\$ref': '([^']+)'", str(description)))
    assert references
    for reference in references:
        contract.resolve(description, {"$ref": reference})


def test_every_operation_tells_its_errors(description):
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            codes = {status for status in operation["responses"] if status[0] in "45"}
            assert {"400", "413", "431", "503"} <= codes, (method, path)


def test_an_operation_says_what_its_token_must_be_good_for(description):
    scopes = {operation["x-scope"]: operation["security"]
              for methods in description["paths"].values() for operation in methods.values()}
    assert scopes["open"] == []
    assert {"bearer": []} in scopes["write"]


# --- /docs --------------------------------------------------------------------------------------------


def test_the_page_lets_nothing_in_from_elsewhere(almanac):
    policy = almanac.get("/docs").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy


@pytest.mark.parametrize("path", ["/docs", "/"])
def test_a_page_leads_only_to_what_this_daemon_has(path, almanac):
    links = links_of(almanac, path)
    assert links.found and not links.inline
    for link in links.found:
        assert "//" not in link and not link.startswith("/"), link
        assert almanac.get("/" + link.removeprefix(".")).status_code == 200, link


def test_the_page_has_swagger_ui_or_lists_every_route(almanac, description):
    page = almanac.get("/docs").text
    if has_swagger(almanac):
        assert '<script src="docs/swagger-ui.js">' in page
        assert "Apache License" in almanac.get("/docs/licenses").text
    else:
        assert not [path for path in description["paths"] if path not in page]


@pytest.mark.parametrize("name", ["nothing", "page", "..%2Fpage", "%2Fpage", "page.css%00"])
def test_other_files_are_not_there(name, almanac):
    answer = almanac.get(f"/docs/{name}")
    assert answer.status_code in (400, 404) and b"<" not in answer.content
    if "%" not in name:
        assert answer.json()["code"] == "document_not_found"


# --- / ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "text/plain, text/html;q=0.5",
                                    "application/json"])
def test_a_program_gets_a_guide_it_can_follow(accept, almanac):
    guide = almanac.get("/", headers={"Accept": accept} if accept else {})
    assert guide.headers["Content-Type"] == "text/plain; charset=utf-8"
    paths = re.findall(rf"curl 'http://127.0.0.1:{almanac.port}(/[^']*)'", guide.text)
    assert len(paths) > 3
    for path in paths:
        assert almanac.get(path).status_code == 200, path


def test_a_browser_gets_a_page(almanac):
    page = almanac.get("/", headers={"Accept": BROWSER})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["Vary"]
    assert "Content-Security-Policy" in page.headers
    assert {"docs", "openapi.json"} <= set(Links(page.text).found)


@pytest.mark.parametrize("host", ["<script>alert(1)</script>", "a'b", "a b", "x" * 300])
def test_a_strange_host_is_not_repeated(host, almanac):
    for accept in ("*/*", BROWSER):
        answer = almanac.get("/", headers={"Host": host, "Accept": accept})
        assert answer.status_code == 400 or host not in answer.text


# --- the description is enforced ------------------------------------------------------------------------


def answer_of(almanac, path, **changes):
    """A real answer, and what is said of it instead."""
    real = almanac.get(path)
    said = {"request": real.request, "status_code": real.status_code, "headers": real.headers,
            "content": real.content, "text": real.text, "json": real.json, **changes}
    return types.SimpleNamespace(**said)


WRONG = {
    "a status that is not described": {"status_code": 418},
    "another content type": {"headers": {"Content-Type": "text/html"}},
    "a member that is missing": {"json": lambda: {"data": []}},
    "a member of another type": {"json": lambda: {"data": {}, "next": None}},
    "a member that is not described": {"json": lambda: {"data": [], "next": None, "more": 1}},
    "an item that is wrong": {"json": lambda: {"data": [{"id": "t1"}], "next": None}},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_is_not_as_described_is_noticed(what, almanac):
    contract.hold(binary(), answer_of(almanac, "/api/v1/tasks"))
    with pytest.raises(AssertionError):
        contract.hold(binary(), answer_of(almanac, "/api/v1/tasks", **WRONG[what]))


def test_a_wrong_item_in_a_long_list_is_noticed(almanac):
    task = {"id": "t", "userId": "u", "content": "", "status": "open",
            "createdAt": "2026-01-01T10:00:00.000Z", "completedAt": None, "deletedAt": None}
    good = {"data": [task] * 5000, "next": None}
    bad = {"data": [task] * 4999 + [{**task, "createdAt": "2026-01-01"}], "next": None}
    contract.hold(binary(), answer_of(almanac, "/api/v1/tasks", json=lambda: good))
    with pytest.raises(AssertionError):
        contract.hold(binary(), answer_of(almanac, "/api/v1/tasks", json=lambda: bad))


def test_an_embedded_file_is_what_the_package_holds(almanac):
    """Kept compressed only: who does not take gzip gets what it stands for."""
    if not has_swagger(almanac):
        pytest.skip("this almanac was built without Swagger UI")
    packed = almanac.get("/docs/swagger-ui.js", headers=GZIP, stream=True)
    plain = almanac.get("/docs/swagger-ui.js")
    assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content
    assert "SwaggerUIBundle" in plain.text
