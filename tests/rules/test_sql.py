"""Every statement is asked by somebody."""

import re

from house import ROOT, bare_code, code_files


def statements():
    return [path for path in sorted((ROOT / "sql").glob("*/*.sql"))
            if path.parent.name != "migrations"]


def name_of(path):
    """A form for many is used where the statement itself is."""
    return f"SQL_{path.parent.name}_{path.stem.removesuffix('_many')}".upper()


def test_every_statement_is_used():
    used = set(re.findall(r"\bSQL_[A-Z0-9_]+\b", "\n".join(map(bare_code, code_files()))))
    unused = [str(path.relative_to(ROOT)) for path in statements() if name_of(path) not in used]
    assert not unused


def test_a_statement_is_used_in_the_room_of_its_folder():
    strange = [f"{path.relative_to(ROOT)}: {name_of(statement)}"
               for statement in statements() for path in code_files()
               if path.parent.name != statement.parent.name
               and re.search(rf"\b{name_of(statement)}\b", bare_code(path))]
    assert not strange
