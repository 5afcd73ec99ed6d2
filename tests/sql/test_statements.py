"""Every statement under sql/ prepares on the migrated schema and keeps what its first line says."""

import contextlib
import pathlib
import re
import subprocess

import psycopg2
import pytest

from harness.postgres import BIN

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "sql").glob("*/*.sql")
               if path.parent.name != "migrations")
MIGRATIONS = ROOT / "sql" / "migrations"
FIRST_LINE = re.compile(r"-- (?P<parameters>.+?) -> (?P<kind>rows|outcome): (?P<rest>.+)")

each_statement = pytest.mark.parametrize(
    "path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])


def first_line(path):
    found = FIRST_LINE.match(path.read_text().splitlines()[0])
    assert found, f"{path}: the first line must say what goes in and what comes out"
    return found


def body(path):
    """The statement without its comments."""
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def numbers_in(text):
    return sorted({int(number) for number in re.findall(r"\$(\d+)", text)})


def describe(url, path):
    """The names of the columns that come out, as PostgreSQL's planner sees them."""
    done = subprocess.run([BIN / "psql", url, "-X", "-At", "-v", "ON_ERROR_STOP=1"],
                          input=body(path) + "\n\\gdesc\n", capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, f"{path}: {done.stderr}"
    return [line.split("|")[0] for line in done.stdout.splitlines()]


def test_there_are_statements():
    assert len(FILES) > 20


@each_statement
def test_prepares(path, module_database):
    with contextlib.closing(psycopg2.connect(module_database)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"PREPARE statement AS {path.read_text()}")
            cursor.execute("SELECT cardinality(parameter_types) FROM pg_prepared_statements")
            assert cursor.fetchone()[0] == len(numbers_in(body(path)))


@each_statement
def test_the_first_line_names_every_parameter_once(path):
    named = first_line(path)["parameters"]
    used = numbers_in(body(path))
    assert used == list(range(1, len(used) + 1)), "numbered without a gap"
    assert numbers_in(named) == used
    assert len(re.findall(r"\$\d+", named)) == len(used), "each is named once"
    assert bool(used) != (named == "(nothing)")


@each_statement
def test_every_parameter_has_its_type_written_down(path):
    """The type lives in the SQL and is the same wherever the parameter stands."""
    casts = {}
    for number, cast in re.findall(r"\$(\d+)(?:::(\w+(?:\[\])?))?", body(path)):
        casts.setdefault(number, set()).add(cast)
    assert all(len(types) == 1 and types != {""} for types in casts.values()), casts


@each_statement
def test_columns_have_names_of_their_own(path, module_database):
    columns = describe(module_database, path)
    assert columns
    assert len(set(columns)) == len(columns)
    assert "?column?" not in columns


def test_a_form_for_many_asks_and_tells_what_the_statement_does(module_database):
    many = [path for path in FILES if path.stem.endswith("_many")]
    assert many
    for path in many:
        single = path.with_stem(path.stem.removesuffix("_many"))
        assert len(numbers_in(body(path))) == len(numbers_in(body(single)))
        assert describe(module_database, path) == [*describe(module_database, single), "_place"]


@each_statement
def test_a_command_tells_an_outcome_and_a_read_does_not(path, module_database):
    columns = describe(module_database, path)
    assert ("outcome" in columns) == (first_line(path)["kind"] == "outcome")


@each_statement
def test_a_command_says_no_other_words_than_it_promises(path):
    found = first_line(path)
    if found["kind"] != "outcome":
        return
    promised = set(found["rest"].split("|"))
    if "AS outcome" not in body(path):
        assert promised <= words_of_functions(body(path)), "the function tells it"
        return
    choice = re.findall(r"(?:THEN|ELSE)\s+'(\w+)'|'(\w+)' AS outcome", outcome_expression(path))
    assert {word for pair in choice for word in pair if word} == promised


def words_of_functions(text):
    """Words in quotes of the functions that a statement calls, and of those that these call."""
    schema = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    names = re.findall(r"\b(timers_\w+|tasks_\w+|calendar_\w+)\(", text)
    bodies = [found[2] for found in re.finditer(r"CREATE FUNCTION (\w+)\(.*?\$\$(.*?)\$\$;", schema, re.S)
              if found[1] in names]
    words = {word for part in bodies for word in re.findall(r"'(\w+)'", part)}
    return words.union(*(words_of_functions(part) for part in bodies)) if bodies else words


def outcome_expression(path):
    """From the last SELECT or RETURNING before `AS outcome` to there."""
    text = body(path)
    end = text.index("AS outcome") + len("AS outcome")
    begin = max(text.rfind("SELECT CASE", 0, end), text.rfind("RETURNING '", 0, end),
                text.rfind("SELECT '", 0, end))
    return text[begin:end]
