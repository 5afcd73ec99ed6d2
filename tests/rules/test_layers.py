"""Every arrow of the house points down, and each library is known in one folder only."""

import re

from house import ROOT, code_files, doors, includes, sources, tell

HALL = "hall"
ROOMS = {"calendar", "catalog", "daemons", "documents", "health", "tasks", "timers"}

# A folder and those it may include besides itself.
GROUND = {"base"}
MAY_INCLUDE = {
    "base": set(),
    "formats": GROUND,
    "db": GROUND,
    "fetch": GROUND,
    "http": GROUND | {"formats", "db"},
    "flow": GROUND | {"db", "fetch"},
    **{room: GROUND | {"formats", "db", "fetch", "http", "flow"} for room in ROOMS},
    HALL: GROUND | {"formats", "db", "fetch", "http", "flow"} | ROOMS,
}

# Which folder is behind a door of include/almanac/.
DOORS = {
    "base": "arena clock container digest log loop mailbox metrics network notify process settings str uuid",
    "formats": "decimal duration fields ics json moment recurrence xml zone",
    "db": "db rows statements",
    "fetch": "fetch",
    "http": "desk endpoint errand openapi paging problems publication reply schema server tokens",
    "flow": "flow scheduler",
    "calendar": "calendar",
    "catalog": "catalog",
    "daemons": "daemons",
    "documents": "documents",
    "health": "health",
    "tasks": "tasks",
    "timers": "timers",
    HALL: "routes schedule",
}
BEHIND = {door: folder for folder, names in DOORS.items() for door in names.split()}

# The header of a library and the one folder that includes it.
LIBRARIES = {
    r"uuid/.*": "base",
    r"openssl/.*": "base",
    r"jansson\.h": "formats",
    r"libxml/.*": "formats",
    r"libpq-fe\.h|libpq/.*|postgres_ext\.h": "db",
    r"curl/.*": "fetch",
    r"microhttpd\.h": "http",
    r"gnutls/.*": "http",
    r"zlib\.h": "http",
}

# C11, POSIX and Linux: free to all.
SYSTEM = re.compile(
    r"(assert|ctype|dirent|errno|fcntl|ifaddrs|inttypes|limits|malloc|math|netdb|poll|pthread|sched|signal"
    r"|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd)\.h"
    r"|(arpa|net|netinet|sys)/\w+\.h"
)


def folder_of(path):
    if path.parent == ROOT / "src":
        return HALL
    if path.parent == ROOT / "include" / "almanac":
        return BEHIND[path.stem]
    return path.parent.name


def target_of(path, name):
    """The folder that `#include "name"` in this file leads to."""
    if name == "sql_names.h":
        return "db"
    if name.startswith("almanac/"):
        return BEHIND[name[len("almanac/"):-len(".h")]]
    assert (path.parent / name).exists(), f"{tell(path)}: a private header lies beside its .c: {name}"
    return folder_of(path)


def test_every_folder_has_its_place():
    folders = {path.parent.name for path in sources() if path.parent != ROOT / "src"}
    assert folders == set(MAY_INCLUDE) - {HALL}


def test_every_door_has_its_folder():
    assert sorted(BEHIND) == [door.stem for door in doors()]


def test_a_file_includes_only_what_lies_below():
    wrong = [f"{tell(path)}, which lies in {folder_of(path)}, includes {name}"
             for path in code_files() for name in includes(path)[1]
             if target_of(path, name) not in MAY_INCLUDE[folder_of(path)] | {folder_of(path)}]
    assert not wrong


def home_of(header):
    """The folder that may include a library's header; None for a system's, which all may."""
    homes = [home for pattern, home in LIBRARIES.items() if re.fullmatch(pattern, header)]
    assert homes or SYSTEM.fullmatch(header), f"<{header}> has no place in the table of libraries"
    return homes[0] if homes else None


def test_a_library_is_included_in_one_folder_only():
    wrong = [f"{tell(path)}, which lies in {folder_of(path)}, includes <{name}>"
             for path in code_files() for name in includes(path)[0]
             if home_of(name) not in (None, folder_of(path))]
    assert not wrong


def test_every_library_is_in_use():
    used = {name for path in code_files() for name in includes(path)[0]}
    unused = [header for header in LIBRARIES
              if not any(re.fullmatch(header, name) for name in used)]
    assert not unused
