"""SIGHUP: the settings are read again. What can be taken is taken, at once and as a whole; of what cannot
the log says so."""

import pytest

from harness.almanac import Almanac
from harness.processes import wait_until
from load import Load


@pytest.fixture
def daemon(database):
    """It has an empty .env."""
    with Almanac(database) as almanac:
        write(almanac)
        yield almanac.wait_ready()
        assert almanac.terminate() == 0
        almanac.assert_no_complaints()


def write(almanac, **settings):
    """Its .env."""
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    (almanac.directory / ".env").write_text(text)


def reload(almanac, what="settings reloaded"):
    """The line that tells how it went."""
    line = almanac.reload()
    assert line["what"] == what, line
    return line


def tells_debug(almanac):
    """Whether quiet requests are logged."""
    before = len(almanac.logged("request", target="/livez"))
    almanac.get("/livez")
    almanac.get("/api/v1/providers")  # never quiet
    wait_until(lambda: almanac.logged("request", target="/api/v1/providers"), 5, "a line")
    return len(almanac.logged("request", target="/livez")) > before


def test_what_can_be_taken_is_taken_and_told(daemon):
    assert not tells_debug(daemon)
    write(daemon, LOG_LEVEL="debug", METRICS_OPEN="1")
    assert reload(daemon)["changed"] == "METRICS_OPEN,LOG_LEVEL"
    wait_until(lambda: tells_debug(daemon), 5, "debug is told")
    assert reload(daemon)["changed"] == ""
    write(daemon)
    assert reload(daemon)["changed"] == "METRICS_OPEN,LOG_LEVEL"


def test_what_needs_a_restart_is_named_until_it_is_done(daemon):
    write(daemon, REPORT_INTERVAL_SECONDS="7", DATABASE_QUEUE="99", LOG_FORMAT="json")
    assert reload(daemon)["changed"] == "LOG_FORMAT"
    assert daemon.wait_for_log("settings wait for a restart")["names"] == (
        "DATABASE_QUEUE,REPORT_INTERVAL_SECONDS")
    reload(daemon)
    wait_until(lambda: len(daemon.logged("settings wait for a restart")) == 2, 5, "told again")
    assert daemon.terminate() == 0
    daemon.lines.clear()
    daemon.start()
    assert "REPORT_INTERVAL_SECONDS=7" in daemon.wait_for_log("serving")["settings"]
    reload(daemon)
    assert not daemon.logged("settings wait for a restart")


def test_the_environment_cannot_change_and_goes_before(daemon):
    write(daemon, HTTP_THREADS="7", LOG_LEVEL="info")
    assert reload(daemon)["changed"] == ""
    assert daemon.wait_for_log("the environment goes before .env")["names"] == "HTTP_THREADS"
    assert not daemon.logged("settings wait for a restart")


@pytest.mark.parametrize("settings, reason", [
    ({"LOG_LEVEL": "loud", "METRICS_OPEN": "1"}, "LOG_LEVEL=loud: must be one of"),
    ({"LOG_LEVEL": "debug", "API_TOKENS": "nonsense"}, "API_TOKENS"),
    ({"LOG_LEVEL": "debug", "SOURCE_ALLOW": "10.0.0.0/99"}, "SOURCE_ALLOW"),
    ({"LOG_LEVEL": "debug", "TLS_CERT_FILE": "/nowhere", "TLS_KEY_FILE": "/nowhere"}, "TLS_CERT_FILE"),
], ids=["a word", "a token", "a network", "a certificate"])
def test_of_settings_that_are_wrong_none_is_taken(daemon, settings, reason):
    daemon.expect_errors("settings not reloaded")
    write(daemon, **settings)
    line = reload(daemon, "settings not reloaded")
    assert line["level"] == "error" and reason in line["reason"]
    assert not tells_debug(daemon)
    write(daemon, LOG_LEVEL="debug")
    assert reload(daemon)["changed"] == "LOG_LEVEL"


def test_secrets_in_files_are_read_again(daemon):
    """The file's name stays, what is in it changes; nothing of it is told."""
    tokens = daemon.directory / "tokens"
    write(daemon, API_TOKENS_FILE=tokens)
    for secret in "ab", "cd":
        tokens.write_text(f"ci:write:{secret * 32}\n")
        assert reload(daemon)["changed"] == "API_TOKENS"
        assert daemon.get("/api/v1/providers").status_code == 401
    assert reload(daemon)["changed"] == ""
    assert "abab" not in daemon.tail(1000)


def test_no_request_notices(daemon):
    with Load(lambda *_: daemon.get("/api/v1/providers")) as load:
        for number in range(40):
            write(daemon, LOG_LEVEL=("debug", "info")[number % 2], RATE_LIMIT="100000/s")
            reload(daemon)
        wait_until(lambda: len(load.calls) > 100, 20, "load runs")
    assert set(load.statuses()) == {200}
