"""`almanac healthcheck`: what a container's health check, a script or a person asks a daemon with."""

import socket
import time

import pytest

from harness import almanac as daemons
from harness.certificates import make_certificate
from harness.processes import free_port

PATIENCE = 2  # seconds
SLACK = 3     # for a loaded machine


def ask(port, *words, **settings):
    return daemons.run("healthcheck", *words, HTTP_PORT=port, **settings)


@pytest.fixture(scope="module")
def well(start_module_almanac):
    return start_module_almanac()


def test_a_daemon_that_is_well_is_told_so(well):
    done = ask(well.port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    done = ask(well.port, "--ready")
    assert done.returncode == 0 and '"status":"ok"' in done.stdout


def test_it_needs_no_database(well):
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"
    assert ask(well.port, DATABASE_URL=nowhere).returncode == 0


@pytest.mark.parametrize("settings", [
    {"HTTP_ADDRESS": "0.0.0.0", "ALLOW_ANONYMOUS": "1"},
    {"HTTP_ADDRESS": "::", "ALLOW_ANONYMOUS": "1"},
    {"TLS": "1"},
], ids=["everywhere", "everywhere by IPv6", "with TLS"])
def test_it_finds_a_daemon_as_its_settings_say(start_almanac, settings, tmp_path):
    """Also one whose certificate nobody vouches for: it is on this machine."""
    if settings.get("HTTP_ADDRESS") == "::" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    if "TLS" in settings:
        certificate, key = make_certificate(tmp_path)
        settings = {"TLS_CERT_FILE": certificate, "TLS_KEY_FILE": key}
    done = ask(start_almanac(**settings).port, **settings)
    assert (done.returncode, done.stdout) == (0, "ok\n")


def test_a_database_that_is_away_is_unready_but_alive(own_postgres, start_almanac):
    almanac = start_almanac(url=own_postgres.create_database())
    own_postgres.stop()
    done = ask(almanac.port, "--ready")
    assert done.returncode == 1 and done.stdout == ""
    assert '"database":"unavailable"' in done.stderr and done.stderr.startswith("almanac: ")
    assert ask(almanac.port).returncode == 0


def test_nobody_there_is_told_with_the_reason():
    port = free_port()
    done = ask(port)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"almanac: http://127.0.0.1:{port}/livez: ")


def test_a_daemon_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        done = ask(silent.getsockname()[1])
    assert done.returncode == 1 and "time" in done.stderr
    assert time.monotonic() - began < PATIENCE + SLACK


def test_any_port_cannot_be_asked():
    done = ask(0)
    assert done.returncode == 2
    assert done.stderr == "almanac: HTTP_PORT=0: a daemon on any port cannot be found\n"
