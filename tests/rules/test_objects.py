"""No mutable globals: the objects of the house hold nothing that can change, but for what is named."""

import re
import subprocess

from house import BUILD, sources, ROOT

# Where the symbol lies, its name, and why it may.
ALLOWED = {
    ("base/log", "least_level"): "atomic, set at start: what is logged by all threads",
    ("base/log", "line_format"): "atomic, set at start: how lines are written by all threads",
    ("formats/json", "is_lent"): "once: jansson is told where it gets its memory",
    ("formats/json", "reading_into"): "of a thread: jansson asks for memory without saying for whom",
}

WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(\.(?!rel\.ro)[^ ]*)?|\*COM\*")
SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ +(?:\.hidden )?(\S+)$", re.M)


def objects():
    return [BUILD / path.relative_to(ROOT).with_suffix(".o") for path in sources()]


def writable_symbols(path):
    """Names of variables that are neither constant nor made so after relocation."""
    table = subprocess.run(["objdump", "-t", path], check=True, stdout=subprocess.PIPE,
                           text=True).stdout
    return [name for flags, section, name in SYMBOL.findall(table)
            if ("O" in flags or (section in (".tdata", ".tbss") and name != section))
            and WRITABLE.fullmatch(section)]


def test_nothing_global_can_change_but_what_is_named():
    found = {(str(path.relative_to(BUILD / "src").with_suffix("")), re.sub(r"\.\d+$", "", name))
             for path in objects() for name in writable_symbols(path)}
    assert found == set(ALLOWED)
