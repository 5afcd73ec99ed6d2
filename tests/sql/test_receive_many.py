"""Many webhooks at once end as the same ones do that come one after the other, those first that create a
task that is new."""

import contextlib
import json
import random

import psycopg2
import pytest

MANY = """SELECT said FROM tasks_receive_many(%s::smallint[], %s::timestamptz[], %s::text[], %s::text[],
          %s::text[], %s::uuid[], %s::text[], %s::text[], %s::bytea[]) ORDER BY place"""
ONE = """SELECT tasks_receive(%s::smallint, %s::timestamptz, %s, %s, %s, %s::uuid, %s, %s, %s)"""
STATE = """SELECT id, user_id, content, created_at, completed_at, deleted_at, newest_at, is_listed
           FROM tasks ORDER BY id"""
AUDIT = """SELECT task_id, status, kind, at, webhook_id, is_repeat, headers, body, answer
           FROM webhooks ORDER BY task_id, status, kind, at, webhook_id, is_repeat, body"""
ROUNDS, SIZE, KEYS = 4, 25, 8


# Of few tasks most come again in a batch, of many hardly any: then all creations are of new ones.
@pytest.fixture(params=[(seed, tasks) for tasks in (6, 60, 10_000) for seed in range(8)], ids=str)
def batches(request):
    seed, tasks = request.param
    dice = random.Random(seed)
    return [[webhook(dice, tasks) for _ in range(SIZE)] for _ in range(ROUNDS)]


def webhook(dice, tasks):
    kind, task = dice.choice([0, 0, 1, 2, 3, 4, 5]), f"task {dice.randrange(tasks)}"
    user, content = f"user {dice.randrange(3)}", f"content {dice.randrange(20)}"
    at = f"2026-01-01T00:{dice.randrange(60):02}:00Z"
    key = dice.randrange(1, KEYS) if dice.random() < 0.3 else None
    body = json.dumps({"metadata": {"userId": user, "content": content}}).encode()
    return (kind, at, user, task, content, key and f"00000000-0000-4000-8000-{key:012}",
            key and f"id {key}", "{}", body)


def clear(cursor):
    cursor.execute("TRUNCATE tasks, webhooks, webhook_keys")


def outcome_of(cursor):
    """Tasks and audit, whatever the order in which it was written."""
    cursor.execute(STATE)
    tasks = cursor.fetchall()
    cursor.execute(AUDIT)
    return tasks, [tuple(bytes(part) if isinstance(part, memoryview) else part for part in row)
                   for row in cursor.fetchall()]


def receive_many(cursor, batch):
    cursor.execute(MANY, [list(column) for column in zip(*batch)])
    return [said for said, in cursor.fetchall()]


def receive_one_by_one(cursor, batch):
    """What each was told, in the batch's order."""
    cursor.execute("SELECT id FROM tasks")
    known = {task for task, in cursor.fetchall()}
    first = {}
    for place, (kind, _, _, task, *_) in enumerate(batch):
        if kind <= 1 and task not in known:
            first.setdefault(task, place)
    order = sorted(range(len(batch)), key=lambda place: (place not in first.values(), place))
    said = {}
    for place in order:
        cursor.execute(ONE, batch[place])
        said[place], = cursor.fetchone()
    return [said[place] for place in range(len(batch))]


def test_many_are_told_and_do_what_each_would_alone(module_database, batches):
    with contextlib.closing(psycopg2.connect(module_database)) as connection:
        cursor = connection.cursor()
        clear(cursor)
        many = [receive_many(cursor, batch) for batch in batches], outcome_of(cursor)
        clear(cursor)
        alone = [receive_one_by_one(cursor, batch) for batch in batches], outcome_of(cursor)
    assert many == alone
    told = {said for batch in many[0] for said in batch}
    created = [task for batch in batches for kind, _, _, task, *_ in batch if kind <= 1]
    assert "accepted" in told and ("duplicate" in told) == (len(set(created)) < len(created))
