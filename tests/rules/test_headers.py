"""Every header compiles alone."""

import subprocess

import pytest

from house import BUILD, ROOT, doors, library_flags, private_headers, read, tell


@pytest.mark.parametrize("path", doors() + private_headers(), ids=tell)
def test_a_header_compiles_alone(path):
    command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
               "-Iinclude", f"-I{BUILD / 'sql'}", f"-I{path.parent}", *library_flags(),
               "-include", str(path), "-x", "c", "/dev/null"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def guard_of(path):
    folder = "" if path in doors() else f"{path.parent.name}_"
    return f"ALMANAC_{folder}{path.stem}_H".upper()


def test_a_header_guards_itself_by_its_name():
    wrong = [tell(path) for path in doors() + private_headers()
             if f"\n#ifndef {guard_of(path)}\n#define {guard_of(path)}\n" not in read(path)
             or not read(path).endswith("\n#endif\n")]
    assert not wrong
