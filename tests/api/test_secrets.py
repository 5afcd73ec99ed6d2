"""Secrets are told nowhere: not in the log, in metrics, in answers, in complaints, in help."""

import base64
import pathlib

import pytest

from harness import almanac as daemons
from harness.certificates import make_certificate
from harness.processes import free_port
from harness.tokens import bearer, entry

MARK = "Xyzzy-plugh-2718"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(f"{MARK} and some more bytes".encode()).decode()
TOKEN = f"almanac_{MARK}"
ENTRY = entry("ours", "admin", TOKEN)
HASH = ENTRY.rpartition(":")[2]
NEEDLES = (MARK, MARK.replace("-", "%2D"), WEBHOOK_SECRET[6:30], HASH[:16], "PRIVATE KEY")


def assert_silent(text):
    assert not [needle for needle in NEEDLES if needle in text], text


# --- a daemon that runs ---------------------------------------------------------------------------


@pytest.fixture(name="almanac")
def fixture_almanac(start_almanac, database, tmp_path):
    certificate, key = make_certificate(tmp_path)
    (tmp_path / "tokens").write_text(ENTRY)
    return start_almanac(database.replace("postgres@", f"postgres:{MARK}@"), LOG_LEVEL="debug",
                         TLS_CERT_FILE=certificate, TLS_KEY_FILE=key, DB_PASSWORD=MARK,
                         API_TOKENS_FILE=tmp_path / "tokens", METRICS_OPEN=1,
                         WEBHOOK_ALLOW="loopback", TIMER_RETRY_SECONDS=1,
                         WEBHOOK_SIGNING_SECRETS=WEBHOOK_SECRET,
                         WEBHOOK_VERIFY_SECRETS=WEBHOOK_SECRET)


def provoke(almanac):
    """Answers of every kind to requests that carry the token, or something like it."""
    ours = bearer(TOKEN)
    timer = {"url": f"http://127.0.0.1:{free_port()}/", "delay": 0, "maxAttempts": 1}
    yield almanac.post("/api/v1/timers", json=timer, headers=ours)
    yield almanac.post("/api/v1/timers", json={"url": "ftp://x"}, headers=ours)
    yield almanac.post("/webhook", json={})
    for path in ("/api/v1/timers", "/metrics", "/nothing", "/api/v1/health/check", "/search",
                 f"/api/v1/timers?access_token={TOKEN}", f"/search?access_token={TOKEN}"):
        for headers in (ours, {}, bearer(TOKEN + "x"), {"Authorization": f"Basic {TOKEN}"},
                        {"Authorization": f"Bearer {TOKEN} {TOKEN}"}):
            yield almanac.get(path, headers=headers)


def break_settings(almanac, folder):
    """Reloads that fail in every way they can."""
    almanac.expect_errors("settings not reloaded")
    tokens, key = folder / "tokens", folder / "server.key"
    for text in (f"ours:{MARK}", f"{MARK} {MARK}:read:{HASH}", ENTRY + "0", f"{ENTRY}\n{MARK}", "x" * 40000):
        tokens.write_text(text)
        yield almanac.reload()
    tokens.write_text(ENTRY)
    for text in (key.read_text()[:100], MARK):
        key.write_text(text)
        yield almanac.reload()


def test_a_daemon_tells_no_secret_whatever_happens_to_it(almanac, tmp_path):
    answers = list(provoke(almanac))
    assert {answer.status_code for answer in answers} >= {200, 201, 400, 401, 404, 422}
    for answer in answers:
        assert_silent(answer.text + str(answer.headers))
    refused = list(break_settings(almanac, tmp_path))
    assert {line["what"] for line in refused} == {"settings not reloaded"}
    assert almanac.terminate() == 0
    lines = "\n".join(almanac.lines)
    assert "DATABASE_URL=***" in lines and "API_TOKENS=***" in lines and "DB_PASSWORD=***" in lines
    assert_silent(lines)


# --- starts that fail -----------------------------------------------------------------------------

# Passwords with what has a meaning in a URL, and libpq's many ways to stumble over them.
URLS = ["postgresql://u:{}@127.0.0.1:1/x", "postgresql://u:{}@@127.0.0.1:1/x",
        "postgresql://u:a@{}@127.0.0.1:1/x", "postgresql://u:a@{}:1@127.0.0.1:1/x",
        "postgresql://u:{}/@127.0.0.1:1/x", "postgresql://u:a/{}@127.0.0.1:1/x",
        "postgresql://u:{}%zz@127.0.0.1:1/x", "postgresql://u:%{}@127.0.0.1:1/x",
        "postgresql://u:{}@[::1/x", "postgresql://u:{}@127.0.0.1:1/x?{}=1",
        "postgresql://u:{}@127.0.0.1:1/x?password={}&nonsense", "postgresql://u:a?{}@127.0.0.1:1/x",
        "host=127.0.0.1 port=1 password={}", "host=127.0.0.1 port=1 password=a {}",
        "host=127.0.0.1 port=1 password='{}", "host=127.0.0.1 port=1 {}=1",
        "postgres://u:{}@127.0.0.1:x{}/x", "postgresql://u:{}@127.0.0.1:1/x?sslmode={}"]


@pytest.mark.parametrize("url", URLS)
def test_a_database_that_cannot_be_reached_tells_no_secret(url):
    done = daemons.run("check", DATABASE_URL=url.replace("{}", MARK))
    assert done.returncode == 1
    assert done.stderr.startswith("almanac: cannot reach the database: ")
    assert_silent(done.stdout + done.stderr)


@pytest.mark.parametrize("name", ["API_TOKENS", "DATABASE_URL", "DB_PASSWORD",
                                  "WEBHOOK_SIGNING_SECRETS", "WEBHOOK_VERIFY_SECRETS"])
def test_a_secret_that_is_wrong_is_not_told(name, tmp_path):
    (tmp_path / "secret").write_text(MARK + "\xff" * 50000)
    (tmp_path / ".env").write_text(f"{name}='{MARK}\n")
    for settings in ({name: MARK + "x" * 40000}, {f"{name}_FILE": tmp_path / "secret"},
                     {name: MARK, f"{name}_FILE": tmp_path / "secret"}):
        done = daemons.run("check", **settings)
        assert done.returncode == 2 and name in done.stderr
        assert_silent(done.stdout + done.stderr)
    done = daemons.run("check", cwd=tmp_path)
    assert done.returncode == 2 and ".env:1" in done.stderr
    assert_silent(done.stderr)


def test_help_tells_no_secret(tmp_path):
    (pathlib.Path(tmp_path) / ".env").write_text(f"DB_PASSWORD={MARK}\n")
    done = daemons.run("--help", cwd=tmp_path, API_TOKENS=ENTRY, DB_PASSWORD=MARK)
    assert done.returncode == 0
    assert_silent(done.stdout + done.stderr)


# --- destinations ---------------------------------------------------------------------------------


def test_urls_with_a_password_are_refused(start_almanac):
    """So nobody can see one who looks a timer or a provider up."""
    almanac = start_almanac()
    url = f"http://user:{MARK}@127.0.0.1:9/"
    for path, body in (("/api/v1/timers", {"url": url, "delay": 60}),
                       ("/api/v1/providers", {"name": "p", "url": url}),
                       ("/api/v1/timer", {"hours": 1, "minutes": 0, "seconds": 0,
                                          "webhookUrl": url})):
        answer = almanac.post(path, json=body)
        assert answer.status_code in (400, 422), answer.text
    assert_silent("\n".join(almanac.lines))
