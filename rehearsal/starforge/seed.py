"""Fills an empty database with StarForge's schema and a few thousand players."""

from __future__ import annotations

from importlib.resources import files

import psycopg

USERS = 3000
TROOPS = 5
"""Troops of each user."""

_ROWS = f"""
INSERT INTO users (namecode, name, created_at)
SELECT 'NC' || lpad(n::text, 6, '0'), 'Commander ' || n, now() - interval '90 days' + n * interval '30 min'
FROM generate_series(1, {USERS}) AS n;

INSERT INTO user_troops (user_id, troop_id, level)
SELECT u.id, t, 1 + (u.id * t) % 40 FROM users AS u, generate_series(1, {TROOPS}) AS t;

INSERT INTO hero_snapshots (user_id, key, payload, created_at, processed_at)
SELECT id, 'seed-' || id, jsonb_build_object('heroes', 1 + id % 60, 'power', 100 * (1 + id % 60)),
       created_at + interval '1 min', created_at + interval '2 min'
FROM users;

INSERT INTO user_profile_summary (user_id, namecode, heroes, power, updated_at)
SELECT id, namecode, 1 + id % 60, 100 * (1 + id % 60), created_at + interval '2 min' FROM users;

ANALYZE;
"""  # noqa: S608 - only the two numbers above go in


def namecode(number: int) -> str:
    """The name code of the seeded user ``number``, 1 to ``USERS``."""
    return f"NC{number:06d}"


def seed(url: str) -> None:
    """Make the schema and its rows, in one transaction, as the role of ``url`` (which owns them then)."""
    schema = files("rehearsal.starforge").joinpath("schema.sql").read_text()
    with psycopg.connect(url) as connection:
        connection.execute(schema.encode())
        connection.execute(_ROWS.encode())
