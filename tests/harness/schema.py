"""What is in a database of ours, table by table."""

from harness.postgres import Postgres

TABLES = """SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
            AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname <> 'almanac_migrations' ORDER BY c.oid"""


def tables(url):
    return [name for name, in Postgres.query(url, TABLES)]


def count_rows(url):
    """Table -> how many rows."""
    return {name: Postgres.query(url, f"SELECT count(*) FROM {name}")[0][0] for name in tables(url)}
