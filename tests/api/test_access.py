"""Who may do what: no token, a wrong one, and one of each scope, at every route there is."""

import re
import socket

import pytest

from harness import almanac as daemons
from harness.described import routes
from harness.tokens import API_TOKENS, SCOPES, TOKENS, bearer, entry

ID = "11111111-2222-3333-4444-555555555555"
RANK = {"open": 0, "read": 1, "write": 2, "admin": 3}
CHALLENGE = 'Bearer realm="almanac"'


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac):
    """A daemon that knows three tokens; its documents and metrics are not open."""
    return start_module_almanac(API_TOKENS=API_TOKENS, DOCS_OPEN=0)


def path_of(route):
    return re.sub(r"\{[^}]*\}", ID, route["path"])


def ask(almanac, method, path, token=None, **options):
    headers = {**(bearer(token) if token else {}), **options.pop("headers", {})}
    return almanac.request(method, path, headers=headers, **options)


def challenge_of(answer):
    return answer.headers["WWW-Authenticate"]


# --- the matrix -----------------------------------------------------------------------------------


@pytest.mark.parametrize("route", routes(), ids=lambda route: route["name"])
def test_a_route_takes_the_tokens_of_its_scope_and_no_others(route, almanac):
    for method in [route["method"]] + ["HEAD"] * (route["method"] == "GET"):
        for given in (None, "wrong", *SCOPES):
            token = TOKENS.get(given, given)
            answer = ask(almanac, method, path_of(route), token)
            judge(answer, RANK[route["scope"]], given, method)


def judge(answer, wanted, given, method):
    rank = RANK.get(given, 0)
    if wanted <= rank:
        assert answer.status_code not in (401, 403, 429), (method, given, answer.text)
        assert "WWW-Authenticate" not in answer.headers
    elif rank == 0:
        assert answer.status_code == 401, (method, given)
        error = ', error="invalid_token"' if given else ""
        assert challenge_of(answer) == CHALLENGE + error
    else:
        assert answer.status_code == 403, (method, given)
        scope = next(name for name in RANK if RANK[name] == wanted)
        assert challenge_of(answer) == f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'


@pytest.mark.parametrize("route", routes(), ids=lambda route: route["name"])
def test_options_need_no_token(route, almanac):
    answer = almanac.options(path_of(route))
    assert answer.status_code == 204
    assert route["method"] in answer.headers["Allow"]


def test_every_scope_has_routes_and_health_has_none():
    scopes = {route["scope"] for route in routes()}
    assert scopes == set(RANK)
    open_ones = {route["path"] for route in routes() if route["scope"] == "open"}
    assert open_ones >= {"/health", "/status", "/livez", "/readyz", "/api/v1/health/check"}
    assert not [route["path"] for route in routes()
                if route["scope"] == "open" and route["method"] != "GET"]
    assert not [route["name"] for route in routes()
                if route["scope"] == "read" and route["method"] != "GET"]


def test_what_is_not_there_is_no_secret(almanac):
    assert almanac.get("/nothing").status_code == 404
    assert almanac.delete("/status").status_code == 405


# --- how a token is sent --------------------------------------------------------------------------


@pytest.mark.parametrize("sent, status, error", [
    ("Bearer {}", 200, None), ("bearer {}", 200, None), ("BEARER   {}  ", 200, None),
    ("Basic {}", 401, ""), ("{}", 401, ""), ("Bearer{}", 401, ""), ("", 401, ""),
    ("Bearer", 400, "invalid_request"), ("Bearer ", 400, "invalid_request"),
    ("Bearer {} {}", 400, "invalid_request"), ("Bearer \"{}\"", 400, "invalid_request"),
    ("Bearer {},", 400, "invalid_request"), ("Bearer =", 400, "invalid_request"),
    ("Bearer {}=", 401, "invalid_token"), ("Bearer x{}", 401, "invalid_token"),
    ("Bearer " + "x" * 5000, 401, "invalid_token")])
def test_the_header_is_read_as_the_rfc_wants(sent, status, error, almanac):
    answer = almanac.get("/api/v1/timers",
                         headers={"Authorization": sent.format(*[TOKENS["read"]] * 2)})
    assert answer.status_code == status
    if error is not None:
        assert challenge_of(answer) == CHALLENGE + (f', error="{error}"' if error else "")


def test_two_headers_are_one_too_many(almanac):
    head = ("GET /api/v1/timers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n"
            f"Authorization: Bearer {TOKENS['read']}\r\n\r\n")
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("token", [None, TOKENS["admin"]])
def test_a_token_in_the_address_is_refused_and_not_logged(token, almanac):
    path = f"/api/v1/timers?limit=1&access_token={TOKENS['read']}"
    answer = ask(almanac, "GET", path, token, headers={"X-Request-Id": f"query-{bool(token)}"})
    assert answer.status_code == 400
    assert challenge_of(answer) == f'{CHALLENGE}, error="invalid_request"'
    line = almanac.wait_for_log("request", id=f"query-{bool(token)}")
    assert line["target"] == "/api/v1/timers"


# --- what a refusal is ----------------------------------------------------------------------------


def test_refusals_are_problems_that_say_what_to_do(almanac):
    missing = ask(almanac, "GET", "/api/v1/timers").json()
    assert (missing["code"], missing["status"]) == ("token_missing", 401)
    assert "Authorization: Bearer" in missing["detail"]
    assert ask(almanac, "GET", "/api/v1/timers", "wrong").json()["code"] == "token_invalid"
    small = ask(almanac, "POST", "/api/v1/timers", TOKENS["read"]).json()
    assert small["code"] == "token_scope"
    assert "may-read" in small["detail"] and "write" in small["detail"]


def test_older_paths_are_refused_in_their_own_shape(almanac):
    told = ask(almanac, "GET", "/search").json()
    assert told["data"] is None and told["error"]["code"] == 401


def test_the_log_names_the_token_or_the_refused_client(almanac):
    ask(almanac, "GET", "/api/v1/timers", TOKENS["read"], headers={"X-Request-Id": "by-name"})
    line = almanac.wait_for_log("request", id="by-name")
    assert line["token"] == "may-read" and "client" not in line
    ask(almanac, "POST", "/api/v1/timers", TOKENS["read"], headers={"X-Request-Id": "too-small"})
    assert almanac.wait_for_log("request", id="too-small")["token"] == "may-read"
    ask(almanac, "GET", "/api/v1/timers", "wrong", headers={"X-Request-Id": "stranger"})
    line = almanac.wait_for_log("request", id="stranger")
    assert line["client"] == "127.0.0.1" and "token" not in line


def test_nothing_is_done_for_a_stranger(almanac):
    timer = {"url": "http://127.0.0.1:9/", "delay": 3600}
    for token in (None, "wrong", TOKENS["read"]):
        assert ask(almanac, "POST", "/api/v1/timers", token, json=timer).status_code in (401, 403)
    listed = ask(almanac, "GET", "/api/v1/timers", TOKENS["read"]).json()
    assert listed["data"] == []


def test_a_stranger_is_not_asked_for_the_body(almanac):
    head = ("POST /api/v1/timers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close" in answer


def test_a_stranger_who_sends_the_body_gets_the_answer_and_may_go_on(almanac):
    for _ in range(2):
        answer = almanac.post("/api/v1/timers/batch", data=b"[" + b" " * 100000 + b"]")
        assert answer.status_code == 401
    assert almanac.get("/status").status_code == 200


# --- what is open by setting ----------------------------------------------------------------------


def test_metrics_and_signed_webhooks_are_open_when_that_is_said(start_almanac):
    almanac = start_almanac(API_TOKENS=API_TOKENS, METRICS_OPEN=1,
                            WEBHOOK_VERIFY_SECRETS="whsec_" + "A" * 32)
    assert almanac.get("/metrics").status_code == 200
    for path in ("/webhook", "/webhook/"):
        answer = almanac.post(path, json={})
        assert answer.status_code == 401 and "WWW-Authenticate" not in answer.headers
        assert "signature" in answer.json()["detail"]
    assert almanac.get("/api/v1/tasks").status_code == 401


def test_the_documents_are_open_unless_it_is_said(start_almanac):
    almanac = start_almanac(API_TOKENS=API_TOKENS)
    for path in ("/", "/docs", "/openapi.json"):
        assert almanac.get(path).status_code == 200
    assert almanac.get("/api/v1/timers").status_code == 401


def test_webhooks_are_not_open_before_their_signatures_are_checked(start_almanac):
    """The secrets wait for a restart: until then a token is needed."""
    almanac = start_almanac(API_TOKENS=API_TOKENS)
    (almanac.directory / ".env").write_text("WEBHOOK_VERIFY_SECRETS=whsec_" + "A" * 32 + "\n")
    assert almanac.reload()["what"] == "settings reloaded"
    answer = almanac.post("/webhook", json={})
    assert answer.status_code == 401 and challenge_of(answer) == CHALLENGE


def test_metrics_open_and_close_without_a_restart(start_almanac):
    almanac = start_almanac(API_TOKENS=API_TOKENS)
    for flag, status in ((1, 200), (0, 401)):
        (almanac.directory / ".env").write_text(f"METRICS_OPEN={flag}\n")
        almanac.reload()
        assert almanac.get("/metrics").status_code == status


def test_without_tokens_nobody_is_asked(start_almanac):
    almanac = start_almanac()
    for headers in ({}, bearer("any"), {"Authorization": "Bearer"}):
        assert almanac.get("/api/v1/webhooks", headers=headers).status_code == 200


# --- tokens come and go ---------------------------------------------------------------------------


def make_token(name, scope):
    done = daemons.run("token", name, scope)
    assert (done.returncode, done.stderr) == (0, "")
    return re.fullmatch(r"token=(almanac_[\w-]{43})\nentry=(.*)\n", done.stdout).groups()


def test_a_token_made_on_the_command_line_is_one():
    token, told = make_token("ci", "write")
    assert told == entry("ci", "write", token)
    assert make_token("ci", "write")[0] != token


@pytest.mark.parametrize("words, said", [
    (["c i", "read"], "NAME must be"), (["", "read"], "NAME must be"),
    (["x" * 65, "read"], "NAME must be"), (["ci", "all"], "SCOPE must be"), (["ci"], "usage"),
    ([], "usage"), (["ci", "read", "more"], "usage")])
def test_what_cannot_be_a_token_is_told(words, said):
    done = daemons.run("token", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1


def status_with(almanac, token):
    return ask(almanac, "GET", "/api/v1/timers", token).status_code


def test_tokens_are_renewed_without_a_restart(start_almanac, tmp_path):
    file = tmp_path / "tokens"
    old, old_entry = make_token("shop", "read")
    new, new_entry = make_token("shop", "read")
    file.write_text(old_entry + "\n")
    almanac = start_almanac(API_TOKENS_FILE=file)
    assert [status_with(almanac, token) for token in (old, new)] == [200, 401]
    file.write_text(f"{old_entry}\r\n\r\n{new_entry}\n")
    assert almanac.reload()["what"] == "settings reloaded"
    assert [status_with(almanac, token) for token in (old, new)] == [200, 200]
    file.write_text(new_entry)
    assert almanac.reload()["what"] == "settings reloaded"
    assert [status_with(almanac, token) for token in (old, new)] == [401, 200]


def test_a_list_that_is_wrong_changes_nothing(start_almanac, tmp_path):
    file = tmp_path / "tokens"
    token, good = make_token("shop", "read")
    file.write_text(good)
    almanac = start_almanac(API_TOKENS_FILE=file)
    almanac.expect_errors("settings not reloaded")
    for wrong in (good + "\nnonsense", "shop:read:" + "0" * 63):
        file.write_text(wrong)
        line = almanac.reload()
        assert line["what"] == "settings not reloaded"
        assert line["reason"].startswith("API_TOKENS: entry ")
    file.unlink()
    assert "API_TOKENS_FILE" in almanac.reload()["reason"]
    assert status_with(almanac, token) == 200
    assert status_with(almanac, "wrong") == 401


# --- the settings ---------------------------------------------------------------------------------


HASH = "0123456789abcdef" * 4
WRONG_LISTS = {
    "no list": ("nonsense", "entry 1 must be name:scope:hash"),
    "no scope": (f"ci:{HASH}", "entry 1 must be name:scope:hash"),
    "an unknown scope": (f"ci:all:{HASH}", "entry 1 must have the scope"),
    "a name with a space": (f"c i:read:{HASH}", "entry 1 must begin with a name"),
    "no name": (f":read:{HASH}", "entry 1 must begin with a name"),
    "half a hash": (f"ci:read:{HASH[:63]}", "entry 1 must end with a SHA-256"),
    "a hash with another letter": (f"ci:read:{HASH[:63]}g", "entry 1 must end with a SHA-256"),
    "more behind the hash": (f"ci:read:{HASH}:", "entry 1 must end with a SHA-256"),
    "an empty entry": (f"ci:read:{HASH},", "entry 2 must be"),
    "too many": (",".join([f"ci:read:{HASH}"] * 257), "at most 256 tokens"),
}


@pytest.mark.parametrize("text, said", WRONG_LISTS.values(), ids=WRONG_LISTS)
def test_a_wrong_list_stops_the_start_and_is_not_told(text, said):
    done = daemons.run("check", API_TOKENS=text)
    assert done.returncode == 2
    assert done.stderr.startswith(f"almanac: API_TOKENS: {said}")
    assert HASH[:20] not in done.stderr and done.stderr.count("\n") == 1


def test_a_secret_comes_from_one_place(tmp_path):
    (tmp_path / "secret").write_text("x")
    done = daemons.run("check", DB_PASSWORD="hunter2", DB_PASSWORD_FILE=tmp_path / "secret")
    assert done.returncode == 2
    assert "DB_PASSWORD (environment) and DB_PASSWORD_FILE (environment) are both set" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("make, said", [
    (lambda path: None, "No such file or directory"), (lambda path: path.mkdir(), "Is a directory"),
    (lambda path: path.write_bytes(b"a\0b"), "below 64 KiB"),
    (lambda path: path.write_bytes(b"a" * 65536), "below 64 KiB")])
def test_a_file_of_a_secret_that_cannot_be_read_is_named(make, said, tmp_path):
    path = tmp_path / "secret"
    make(path)
    done = daemons.run("check", DB_PASSWORD_FILE=path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"almanac: DB_PASSWORD_FILE={path}: ") and said in done.stderr


def test_secrets_come_from_files(database, tmp_path):
    (tmp_path / "url").write_text(database + "\n")
    done = daemons.run("check", DATABASE_URL_FILE=tmp_path / "url")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["HTTP_PORT", "REPORT_DIR", "LOG_LEVEL"])
def test_what_is_no_secret_has_no_file(name, database, tmp_path):
    done = daemons.run("check", DATABASE_URL=database, **{name + "_FILE": tmp_path / "none"})
    assert done.returncode == 0, done.stderr


def test_with_tokens_it_listens_beyond_loopback(start_almanac):
    almanac = start_almanac(HTTP_ADDRESS="0.0.0.0", API_TOKENS=API_TOKENS)
    assert almanac.get("/livez").status_code == 200
    assert almanac.get("/api/v1/timers").status_code == 401
