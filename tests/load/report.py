"""Tables of figures: for people at a terminal, and for docs/performance.md."""

import dataclasses
import os
import pathlib
import platform
import re
import subprocess

from harness.postgres import BIN

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
DOCUMENTS = (DOCS / "performance.md", DOCS / "growth.md")
HEAD = ("what", "measured", "against", "ratio", "goal", "holds")
VERDICTS = {True: "yes", False: "**no**", None: ""}


@dataclasses.dataclass
class Row:
    what: str
    measured: str
    against: str = ""
    ratio: str = ""
    goal: str = ""
    holds: bool | None = None

    def cells(self):
        return (self.what, self.measured, self.against, self.ratio, self.goal,
                VERDICTS[self.holds])


def per_second(rate):
    return f"{rate:,.0f}/s"


def milliseconds(microseconds):
    return f"{microseconds / 1000:,.1f} ms"


def mebibytes(size):
    return f"{size / 2 ** 20:,.0f} MiB"


def table(rows):
    """Markdown, its columns in line."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    laid = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
            for line in lines]
    return "\n".join([laid[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|",
                      *laid[1:]])


def machine():
    """Where figures come from, in words that name nobody."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    kernel = ".".join(platform.release().split("-", maxsplit=1)[0].split(".")[:2])
    version = subprocess.run([BIN / "postgres", "--version"], capture_output=True, text=True,
                             check=True).stdout.split()[2]
    return (f"{cores} cores ({platform.machine()}), {memory:.0f} GiB of memory, Linux {kernel}, "
            f"PostgreSQL {version}; load generator, daemon and PostgreSQL share the cores")


def put(document, name, content):
    """Replaces what stands between the marks of `name`; false when the document has no such marks."""
    text = document.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        return False
    document.write_text(pattern.sub(lambda found: found[1] + content + "\n" + found[2], text),
                        encoding="utf-8")
    return True


def write(reports):
    """`reports`: name of a script -> rows. The places of other scripts stay as they are."""
    parts = {"machine": machine() + ".", **{name: table(rows) for name, rows in reports.items()}}
    for name, content in parts.items():
        assert any([put(document, name, content) for document in DOCUMENTS]), f"no place for {name}"
