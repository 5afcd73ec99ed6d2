"""File systems that are as small as a story needs them."""

import contextlib
import os
import pathlib
import subprocess

import pytest


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of so many bytes at this folder."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "almanac", folder],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Nothing finds room there any more, until `clear`."""
    with open(pathlib.Path(folder, "ballast"), "wb") as ballast, contextlib.suppress(OSError):
        while True:
            os.write(ballast.fileno(), bytes(1 << 20))
    with open(pathlib.Path(folder, "ballast"), "ab") as ballast, contextlib.suppress(OSError):
        while True:
            os.write(ballast.fileno(), bytes(4096))


def clear(folder):
    pathlib.Path(folder, "ballast").unlink()
