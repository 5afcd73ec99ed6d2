"""One table makes all settings: what people read about them says the same."""

import re
import subprocess

import pytest

from house import BUILD, ROOT, describe, read

README = ROOT / "README.md"
ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.M)
README_ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \|(.*?)\|", re.M)

# Those that docker-compose.yml decides itself: where its daemon listens and which database it has,
# and what makes no sense in its container.
OF_COMPOSE = {"WEBHOOK_ALLOW", "HTTP_ADDRESS", "HTTP_PORT", "ALLOW_ANONYMOUS", "DB_HOST", "DB_PORT",
              "DB_PASSWORD_FILE"}
NOT_IN_COMPOSE = {"DATABASE_URL", "DB_PASSWORD", "SPOOL_DIR"}


def defaults():
    return dict(ASSIGNMENT.findall(describe("settings")))


def test_the_example_is_what_the_table_demands():
    assert read(ROOT / ".env.example") == describe("settings")


def test_the_example_names_each_setting_once():
    names = [name for name, _ in ASSIGNMENT.findall(describe("settings"))]
    assert names and len(names) == len(set(names))


def test_help_tells_every_setting_with_its_default():
    done = subprocess.run([BUILD / "almanac", "--help"], check=True, capture_output=True, text=True)
    told = re.findall(r"^  ([A-Z][A-Z0-9_]*)=(.*)$", done.stdout, re.M)
    assert dict(told) == defaults()


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_the_readme_lists_the_same_settings_and_defaults():
    told = {name: cell.strip("` ") for name, cell in README_ROW.findall(read(README))}
    assert told == defaults()


def test_compose_passes_every_setting_on():
    block = read(ROOT / "docker-compose.yml").partition("\n  postgres:\n")[0]
    told = dict(re.findall(r'^      ([A-Z][A-Z0-9_]*): "?(.*?)"?$', block, re.M))
    assert set(told) == (set(defaults()) | {"DB_PASSWORD_FILE"}) - NOT_IN_COMPOSE
    passed = {name: value for name, value in told.items() if name not in OF_COMPOSE}
    for name, value in passed.items():
        assert re.fullmatch(rf"\$\{{{name}:-(almanac)?\}}", value), f"{name}: {value}"
