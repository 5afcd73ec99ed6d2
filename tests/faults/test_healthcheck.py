"""`almanac healthcheck`: what a container's health check, a script or a person asks a daemon with."""

import socket
import time

import pytest

from harness import almanac as daemons
from harness.processes import free_port

PATIENCE = 2  # seconds
SLACK = 3     # for a loaded machine


def ask(port, *words, **settings):
    return daemons.run("healthcheck", *words, HTTP_PORT=port, **settings)


def test_a_daemon_that_is_well_is_told_so(almanac):
    done = ask(almanac.port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    done = ask(almanac.port, "--ready")
    assert done.returncode == 0 and '"status":"ok"' in done.stdout


def test_it_needs_no_database(almanac):
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"
    assert ask(almanac.port, DATABASE_URL=nowhere).returncode == 0


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_it_finds_a_daemon_that_listens_everywhere(start_almanac, address):
    if address == "::" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    settings = {"HTTP_ADDRESS": address, "ALLOW_ANONYMOUS": "1"}
    assert ask(start_almanac(**settings).port, **settings).returncode == 0


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
