"""The command line, the settings, and starts that cannot be: each says in a line what is wrong."""

import pathlib
import re
import signal
import socket
import time

import pytest

from harness import almanac as daemons
from harness.almanac import Almanac
from harness.processes import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://postgres@127.0.0.1:1/nothing"


def complaints(done):
    """What is said to people, one fault a line."""
    said = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert said and said[0].startswith("almanac: "), done.stderr
    said[0] = said[0].removeprefix("almanac: ")
    return said


def settings_of_example():
    """name -> default, from .env.example."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = (re.fullmatch(r"#?\s?([A-Z][A-Z_]+)=(.*)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


# --- help, version, commands ----------------------------------------------------------------------


def test_help_lists_every_setting_with_its_default():
    done = daemons.run("--help")
    assert done.returncode == 0 and done.stderr == ""
    settings = settings_of_example()
    assert len(settings) > 20
    for name, default in settings.items():
        place = re.search(rf"^\s*{name}\b.*(?:\n\s{{4,}}.*)*", done.stdout, re.MULTILINE)
        assert place, f"--help does not name {name}"
        assert default in place[0], f"--help does not tell the default of {name}"
    for word in ("migrate", "check", "--help", "--version"):
        assert word in done.stdout


def test_version_is_that_of_the_metrics(almanac):
    done = daemons.run("--version")
    assert done.returncode == 0 and done.stderr == ""
    version = re.fullmatch(r"almanac (\d+\.\d+\.\d+)\n", done.stdout)[1]
    assert f'almanac_build_info{{version="{version}"}} 1' in almanac.get("/metrics").text


@pytest.mark.parametrize("words", [["serve-me"], ["--nonsense"], ["migrate", "now"],
                                   ["--help", "me"], [""]])
def test_an_unknown_command_is_refused(words):
    done = daemons.run(*words, DATABASE_URL=NOWHERE)
    assert done.returncode == 2 and done.stdout == ""
    assert complaints(done) == [f'unknown command "{words[-1]}": try almanac --help']


def test_help_and_version_need_no_settings_and_no_database():
    for word in ("--help", "--version"):
        assert daemons.run(word, HTTP_PORT="nonsense", DATABASE_URL=NOWHERE).returncode == 0


def test_migrate_and_check_tell_that_all_is_well(database):
    migrated = daemons.run("migrate", DATABASE_URL=database)
    assert migrated.returncode == 0
    assert re.fullmatch(r"the database is at version \d+\n", migrated.stdout)
    checked = daemons.run("check", DATABASE_URL=database)
    assert checked.returncode == 0
    assert checked.stdout == "settings and database are fine\n"


def test_check_judges_the_replica_too(database):
    assert daemons.run("check", DATABASE_URL=database, READ_DATABASE_URL=database).returncode == 0
    for url, why in ((NOWHERE, "Connection refused"),
                     (database + "_none", "does not exist")):
        done = daemons.run("check", DATABASE_URL=database, READ_DATABASE_URL=url)
        assert done.returncode == 1 and done.stdout == ""
        [said] = complaints(done)
        assert said.startswith("READ_DATABASE_URL: ") and why in said


def test_check_says_that_the_replica_has_not_been_migrated(database, postgres):
    done = daemons.run("check", DATABASE_URL=database, READ_DATABASE_URL=postgres.create_database())
    [said] = complaints(done)
    assert done.returncode == 1 and said.startswith("READ_DATABASE_URL: the database is at version 0, ")


# --- settings -------------------------------------------------------------------------------------

WRONG = {
    "letters for a number": ("HTTP_PORT", "eighty", "a whole number from 0 to 65535"),
    "a number too large": ("HTTP_PORT", "65536", "a whole number from 0 to 65535"),
    "a negative number": ("HTTP_THREADS", "-1", "a whole number from 0 to 64"),
    "a number with a unit": ("EVENTS_SYNC_DELAY_SECONDS", "60s",
                             "a whole number from 1 to 86400"),
    "no number at all": ("DATABASE_BATCH", " ", "a whole number from 1 to 10000"),
    "zero where none may be": ("DATABASE_QUEUE", "0", "a whole number from 1 to 100000"),
    "a flag that is none": ("ALLOW_ANONYMOUS", "maybe", "1 or 0"),
    "a word that is none of these": ("LOG_LEVEL", "loud", "one of debug, info, warn, error"),
    "another word": ("LOG_FORMAT", "xml", "one of logfmt, json"),
}


@pytest.mark.parametrize("command", [None, "migrate", "check"])
@pytest.mark.parametrize("name, value, allowed", WRONG.values(), ids=WRONG)
def test_a_wrong_setting_stops_the_start(command, name, value, allowed):
    done = daemons.run(*filter(None, [command]), DATABASE_URL=NOWHERE, **{name: value})
    assert done.returncode == 2 and done.stdout == ""
    [said] = complaints(done)
    assert said.startswith(f"{name}={value}: must be {allowed}")


def test_all_wrong_settings_are_told_at_once():
    done = daemons.run(HTTP_PORT="x", LOG_LEVEL="y", DATABASE_QUEUE="z")
    assert done.returncode == 2
    assert {line.split("=")[0] for line in complaints(done)} == {"HTTP_PORT", "LOG_LEVEL",
                                                                  "DATABASE_QUEUE"}


def test_secrets_are_not_told(database):
    secret = "hunter2-" + "x" * 3000
    done = daemons.run(DATABASE_URL=f"postgresql://postgres:{secret}@127.0.0.1/x")
    assert done.returncode == 2
    assert complaints(done)[0].startswith("DATABASE_URL=***: must be ")
    assert "hunter2" not in done.stderr
    password = "hunter2"
    with Almanac(database.replace("postgres@", f"postgres:{password}@")) as almanac:
        assert "DATABASE_URL=***" in almanac.wait_for_log("serving")["settings"]
        assert password not in almanac.tail(500)


@pytest.mark.parametrize("address", ["localhost", "127.0.0", "256.1.1.1", "::g"])
def test_an_address_that_is_none_is_refused(address, database):
    done = daemons.run(DATABASE_URL=database, HTTP_ADDRESS=address, HTTP_PORT="0")
    assert done.returncode == 2
    assert complaints(done) == [f"HTTP_ADDRESS={address}: must be an IPv4 or IPv6 address"]


def test_a_list_of_networks_that_is_none_is_refused(database):
    done = daemons.run(DATABASE_URL=database, SOURCE_ALLOW="loopback,10.0.0.0/99", HTTP_PORT="0")
    assert done.returncode in (1, 2)
    [said] = complaints(done)
    assert "SOURCE_ALLOW" in said and "10.0.0.0/99" in said


# --- .env -----------------------------------------------------------------------------------------


def test_dotenv_is_read_for_what_is_not_set(tmp_path, database):
    (tmp_path / ".env").write_text(
        f"# ours\nDATABASE_URL='{database}'\nexport LOG_FORMAT=json\nHTTP_PORT=\"0\"\n\n"
        "LOG_LEVEL=warn\n")
    done = daemons.run("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = daemons.run("check", cwd=tmp_path, DATABASE_URL=NOWHERE)
    assert done.returncode == 1
    assert "127.0.0.1" in complaints(done)[0]


def test_a_fault_in_dotenv_is_told_with_its_line(tmp_path):
    (tmp_path / ".env").write_text("LOG_LEVEL=warn\nHTTP_PORT=eighty\n")
    done = daemons.run("check", cwd=tmp_path)
    assert done.returncode == 2
    [said] = complaints(done)
    assert said.startswith("HTTP_PORT=eighty: must be ") and ".env:2" in said


def test_a_line_of_dotenv_that_is_none_is_told(tmp_path):
    (tmp_path / ".env").write_text("LOG_LEVEL=warn\nnonsense\n")
    done = daemons.run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert ".env:2" in complaints(done)[0]


# --- starts that cannot be ------------------------------------------------------------------------


@pytest.mark.parametrize("command", [None, "migrate", "check"])
def test_a_database_that_refuses_connections_is_told_in_a_line(command):
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"
    done = daemons.run(*filter(None, [command]), DATABASE_URL=url, HTTP_PORT="0")
    assert done.returncode == 1 and done.stdout == ""
    [said] = complaints(done)
    assert said.startswith("cannot reach the database: ") and "refused" in said


def test_a_database_that_does_not_exist_is_told_in_a_line(postgres):
    done = daemons.run(DATABASE_URL=postgres.url("no_such_database"), HTTP_PORT="0")
    assert done.returncode == 1
    [said] = complaints(done)
    assert 'database "no_such_database" does not exist' in said


def test_a_url_that_is_none_is_told_in_a_line():
    done = daemons.run(DATABASE_URL="postgresql://[::1/x", HTTP_PORT="0")
    assert done.returncode == 1
    assert len(complaints(done)) == 1


def test_a_server_that_never_answers_is_told_in_a_line():
    """It accepts the connection and says nothing: the start does not wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/nothing"
        done = daemons.run(DATABASE_URL=url, HTTP_PORT="0", timeout=20)
    assert done.returncode == 1
    [said] = complaints(done)
    assert said.startswith("cannot reach the database: ") and "timeout" in said


def test_a_busy_port_is_told_in_a_line(database):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = daemons.run(DATABASE_URL=database, HTTP_PORT=port)
    assert done.returncode == 1
    [said] = complaints(done)
    assert said == f"cannot listen on 127.0.0.1 port {port}: Address already in use"


def test_the_port_of_another_daemon_is_busy_too(almanac, database):
    done = daemons.run(DATABASE_URL=database, HTTP_PORT=almanac.port)
    assert done.returncode == 1
    [said] = complaints(done)
    assert str(almanac.port) in said and "in use" in said
    assert almanac.get("/livez").status_code == 200


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_beyond_loopback_the_daemon_asks_whether_that_is_meant(address, database):
    done = daemons.run(DATABASE_URL=database, HTTP_ADDRESS=address, HTTP_PORT="0")
    assert done.returncode == 2
    [said] = complaints(done)
    assert said.startswith(f"HTTP_ADDRESS={address}: ") and "ALLOW_ANONYMOUS=1" in said


def test_beyond_loopback_it_serves_when_that_is_meant(start_almanac):
    almanac = start_almanac(HTTP_ADDRESS="0.0.0.0", ALLOW_ANONYMOUS="1")
    assert almanac.get("/livez").status_code == 200


def test_loopback_of_the_other_family_needs_no_leave(start_almanac):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    almanac = start_almanac(wait=False, HTTP_ADDRESS="::1")
    with socket.create_connection(("::1", almanac.port), 5) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_json_lines_are_json(start_almanac):
    almanac = start_almanac(LOG_FORMAT="json")
    assert almanac.wait_for_log("serving")["level"] == "info"
    assert almanac.logged("request") or almanac.logged("database connected")
    assert not [line for line in almanac.log if "raw" in line]


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_a_daemon_told_to_stop_while_it_starts_stops(database, delay):
    """SIGTERM that comes before it serves is not forgotten."""
    almanac = Almanac(database).launch()
    time.sleep(delay)
    assert almanac.terminate() in (0, -signal.SIGTERM)
    almanac.close()


# --- help that is asked for, and help that is not -------------------------------------------------


@pytest.mark.parametrize("word, names", [
    ("HTTP_PORT", ["HTTP_PORT"]), ("http_port", ["HTTP_PORT"]), ("log", ["LOG_LEVEL", "LOG_FORMAT"]),
    ("TIMER_RETRY", ["TIMER_RETRY_SECONDS"])])
def test_help_tells_of_one_setting_or_a_group(word, names):
    done = daemons.run("help", word)
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^  ([A-Z_]+)=", done.stdout, re.MULTILINE) == names


def test_help_tells_of_one_command():
    done = daemons.run("help", "migrate")
    assert done.returncode == 0
    assert done.stdout == "  migrate     bring the database's schema up to date and end\n"


def test_help_is_the_same_by_either_word():
    assert daemons.run("help").stdout == daemons.run("--help").stdout


@pytest.mark.parametrize("word", ["nonsense", "", "x" * 5000])
def test_help_about_nothing_is_refused(word):
    done = daemons.run("help", word)
    assert done.returncode == 2 and done.stdout == ""
    assert complaints(done)[0].startswith(f'there is no command, setting or group "{word[:10]}')


@pytest.mark.parametrize("given, meant", [
    ("migrat", "migrate"), ("chekc", "check"), ("health-check", "healthcheck"),
    ("helthcheck", "healthcheck"), ("--hlep", "--help"), ("-help", "help"),
    ("rebuild_tasks", "rebuild-tasks"), ("tokens", "token")])
def test_a_misspelt_command_is_guessed(given, meant):
    done = daemons.run(given, DATABASE_URL=NOWHERE)
    assert done.returncode == 2 and done.stdout == ""
    assert complaints(done) == [
        f'unknown command "{given}": did you mean "{meant}"? try almanac --help']


@pytest.mark.parametrize("given", ["x", "me", "serve-me", "restart", "y" * 33, "z" * 5000])
def test_what_is_like_nothing_is_not_guessed(given):
    assert complaints(daemons.run(given))[0] == f'unknown command "{given}": try almanac --help'
