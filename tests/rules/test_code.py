"""Sizes, calls and words of the code."""

import re
import subprocess

import pytest

from house import ROOT, bare_code, code_files, read, sources, tell

FUNCTION_LINES = 60
FILE_LINES = 700
FORBIDDEN = ("strcpy", "stpcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atoll",
             "atof", "gets", "localtime", "gmtime", "asctime", "ctime")
ROOMS = ("calendar", "catalog", "documents", "health", "tasks", "timers")

# Written apart, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")


def function_lengths(path):
    """(name, lines) of each; clang-format puts their braces alone at the margin."""
    begin, name = None, ""
    for number, line in enumerate(bare_code(path).splitlines(), 1):
        heading = re.match(r"[A-Za-z].*?\b(\w+)\(", line)
        if heading:
            name = heading[1]
        if line == "{":
            begin = number
        elif line == "}" and begin:
            yield name, number - begin + 1
            begin = None


def calls(path, names):
    return [f"line {number}: {match[1]}"
            for number, line in enumerate(bare_code(path).splitlines(), 1)
            for match in re.finditer(rf"\b({'|'.join(names)})\s*\(", line)]


def tracked_files():
    """All that a clone holds and people write: not the inputs of tests."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True)
    names = [name for name in done.stdout.split("\0")
             if name and not name.startswith(("tests/fuzz/seeds/", "tests/fuzz/regressions/"))]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_function_is_longer_than_a_page():
    functions = [(tell(path), name, lines)
                 for path in sources() for name, lines in function_lengths(path)]
    assert len(functions) > len(sources())
    assert not [found for found in functions if found[2] > FUNCTION_LINES]


def test_no_file_is_longer_than_a_chapter():
    assert not [tell(path) for path in code_files()
                if len(read(path).splitlines()) > FILE_LINES]


def test_a_file_begins_with_its_name_and_purpose():
    assert not [tell(path) for path in sources()
                if not read(path).startswith(f"/* {path.name} - ")]
    assert not [tell(path) for path in code_files() if not read(path).startswith("/*")]


def test_no_call_knows_no_limits():
    found = {tell(path): calls(path, FORBIDDEN) for path in code_files()}
    assert not {name: places for name, places in found.items() if places}


def test_what_answers_a_request_frees_nothing():
    """Requests have arenas; the whole of what a room frees outlives them."""
    answering = [path for path in sources()
                 if path.parent.name in ROOMS and re.search(r"\bstruct reply \*", bare_code(path))]
    assert answering
    assert not [tell(path) for path in answering if calls(path, ["free"])]


def test_a_file_of_a_room_that_frees_also_allocates():
    freeing = [path for path in sources()
               if path.parent.name in ROOMS and calls(path, ["free"])]
    assert not [tell(path) for path in freeing
                if not calls(path, ["malloc", "calloc", "realloc", "str_release"])]


def test_nothing_is_left_unfinished():
    found = [f"{tell(path)}: {match[0]}" for path in tracked_files()
             for match in UNFINISHED.finditer(path.read_bytes().decode(errors="replace"))]
    assert not found
