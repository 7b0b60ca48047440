"""Partitioned tables with a default partition, one detached later, and tables by inheritance."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE TABLE measured (at timestamptz, place int, value float8, PRIMARY KEY (at, place))
            PARTITION BY RANGE (at);
        CREATE TABLE measured_2024 PARTITION OF measured FOR VALUES FROM ('2024-01-01Z') TO ('2025-01-01Z')
            PARTITION BY HASH (place);
        CREATE TABLE measured_2024_0 PARTITION OF measured_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE measured_2024_1 PARTITION OF measured_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE measured_rest PARTITION OF measured DEFAULT;
        CREATE INDEX ON measured (place, value);
        INSERT INTO measured SELECT timestamptz '2024-03-01Z' + n * interval '1 day', n, n / 7.0
            FROM generate_series(1, 500) AS n;
        CREATE TABLE city (name text PRIMARY KEY, people int CHECK (people >= 0));
        CREATE TABLE capital (of text NOT NULL) INHERITS (city);
        INSERT INTO city VALUES ('Ulm', 126405);
        INSERT INTO capital VALUES ('Wien', 1982000, 'Austria');
    """)


def after(server: Foreign) -> None:
    server.sql("""
        CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z');
        INSERT INTO measured VALUES ('2026-05-01Z', 7, 1.5);
        ALTER TABLE measured DETACH PARTITION measured_2024;
        UPDATE city SET people = people + 1;
    """)
