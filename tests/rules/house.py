"""What the rules look at: the files of the house, as text and as words."""

import functools
import os
import pathlib
import re
import shlex
import subprocess

from harness.described import describe, routes  # noqa: F401, the rules ask here

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")

COMMENT_OR_TEXT = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
INCLUDE = re.compile(r'^#include (?:<([^>]+)>|"([^"]+)")', re.M)


def read(path):
    return path.read_text(encoding="utf-8")


def tell(path):
    """The path as people write it."""
    return str(path.relative_to(ROOT))


def sources():
    return sorted((ROOT / "src").rglob("*.c"))


def doors():
    return sorted((ROOT / "include" / "almanac").glob("*.h"))


def private_headers():
    return sorted((ROOT / "src").rglob("*.h"))


def code_files():
    return sources() + private_headers() + doors()


@functools.lru_cache(maxsize=None)
def bare_code(path):
    """Without comments and texts, every line at its place."""
    return COMMENT_OR_TEXT.sub(lambda match: "\n" * match[0].count("\n"), read(path))


def includes(path):
    """Of one file: (system headers, own headers)."""
    found = INCLUDE.findall(read(path))
    return [system for system, _ in found if system], [own for _, own in found if own]


@functools.lru_cache
def library_flags():
    names = "libmicrohttpd gnutls libpq jansson libcurl uuid libxml-2.0 libcrypto zlib"
    done = subprocess.run(["pkg-config", "--cflags", *names.split()], check=True,
                          stdout=subprocess.PIPE, text=True)
    return shlex.split(done.stdout)
