"""`make install`: what lies where, the manual, and the unit for systemd."""

import os
import re
import shutil
import subprocess

import pytest

from house import BUILD, ROOT, describe, read

PLACES = {
    "usr/local/bin/almanac": 0o755, "usr/local/share/man/man8/almanac.8": 0o644,
    "usr/local/lib/systemd/system/almanac.service": 0o644,
    "etc/almanac/almanac.env.example": 0o640,
    **{f"usr/local/share/doc/almanac/{name}": 0o644
       for name in ("README.md", "CHANGELOG.md", "LICENSE", "operations.md", "alerts.yml",
                    "grafana.json")},
}


def make(target, **variables):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    words = [f"{name}={value}" for name, value in {"BUILD": BUILD, **variables}.items()]
    done = subprocess.run(["make", "-o", str(BUILD / "almanac"), target, *words], cwd=ROOT,
                          env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(*command):
    """What it says, on both ends; skips where it is not installed."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is installed by `make check` only")
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
    return done.returncode, done.stdout, done.stderr


def files_below(folder):
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777
            for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(name="installed", scope="module")
def fixture_installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    make("install", DESTDIR=folder)
    return folder


@pytest.fixture(name="manual", scope="module")
def fixture_manual(installed):
    return installed / "usr/local/share/man/man8/almanac.8"


@pytest.fixture(name="unit", scope="module")
def fixture_unit(tmp_path_factory):
    """Installed for good, so that what it starts is there."""
    prefix = tmp_path_factory.mktemp("prefix")
    make("install", PREFIX=prefix, SYSCONFDIR=prefix / "etc")
    return prefix / "lib/systemd/system/almanac.service"


# --- files ----------------------------------------------------------------------------------------


def test_everything_has_its_place_and_mode(installed):
    assert files_below(installed) == PLACES
    assert (installed / "etc/almanac/almanac.env.example").read_text() == describe("settings")


def test_uninstall_takes_all_of_it_but_the_settings(tmp_path):
    make("install", DESTDIR=tmp_path)
    (tmp_path / "etc/almanac/almanac.env").write_text("LOG_LEVEL=warn\n")
    make("uninstall", DESTDIR=tmp_path)
    assert set(files_below(tmp_path)) == {"etc/almanac/almanac.env"}


def test_a_prefix_moves_all_of_it(unit):
    prefix = unit.parents[3]
    assert set(files_below(prefix)) == {name.removeprefix("usr/local/") for name in PLACES}
    assert f"\nExecStart={prefix}/bin/almanac\n" in read(unit)
    assert f"\nEnvironmentFile=-{prefix}/etc/almanac/almanac.env\n" in read(unit)


# --- the manual -----------------------------------------------------------------------------------


def test_the_manual_tells_every_setting_and_command(manual):
    text = read(manual)
    settings = re.findall(r"^([A-Z][A-Z0-9_]*)=", describe("settings"), re.M)
    assert len(settings) > 40
    assert not [name for name in settings if f".It Ev {name}\n" not in text]
    told = subprocess.run([BUILD / "almanac", "--help"], capture_output=True, text=True, check=True)
    commands = re.findall(r"^  ([a-z][a-z-]+)\b(?!=)", told.stdout.partition("Exit codes")[0], re.M)
    assert len(commands) >= 6
    assert not [name for name in commands if f".It Cm {name}" not in text]


def test_the_manual_tells_the_exit_codes_of_the_help(manual):
    assert re.findall(r"^\.It (\d)$", read(manual), re.M) == ["0", "1", "2"]


def test_mandoc_has_nothing_to_say_of_the_manual(manual):
    assert run("mandoc", "-T", "lint", str(manual)) == (0, "", "")


def test_man_shows_the_manual_without_a_warning(manual):
    code, shown, warnings = run("man", "--warnings", "-E", "UTF-8", "-l", str(manual))
    assert (code, warnings) == (0, "")
    assert "EXIT STATUS" in shown and "HTTP_ADDRESS" in shown


# --- the unit -------------------------------------------------------------------------------------


def test_systemd_reads_the_unit(unit):
    _, said, complaints = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert "almanac.service" not in said + complaints


def test_systemd_finds_little_exposed(unit):
    code, said, complaints = run("systemd-analyze", "security", "--offline=true", "--threshold=20",
                                 "--no-pager", str(unit))
    assert code == 0, said + complaints
    assert float(re.search(r"Overall exposure level for almanac.service: ([0-9.]+)", said)[1]) <= 2


def test_the_unit_gives_the_daemon_what_it_needs():
    text = read(ROOT / "docs" / "operations" / "almanac.service")
    unit = dict(re.findall(r"^([A-Za-z]+)=(.*)$", text, re.M))
    defaults = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", describe("settings"), re.M))
    assert unit["Type"] == "notify" and int(unit["WatchdogSec"]) >= 10
    assert int(unit["LimitNOFILE"]) >= int(defaults["HTTP_MAX_CONNECTIONS"]) + 512
    assert int(unit["TimeoutStopSec"]) > int(defaults["HTTP_SHUTDOWN_SECONDS"]) + int(
        defaults["HTTP_DRAIN_SECONDS"])
    assert unit["RestartPreventExitStatus"] == "2"
