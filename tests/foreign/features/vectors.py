"""Vectors and their index, of an extension that is no part of PostgreSQL."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE EXTENSION vector;
        CREATE TABLE item (id int PRIMARY KEY, embedding vector(3));
        INSERT INTO item SELECT n, ARRAY[n, n % 7, n % 3]::vector FROM generate_series(1, 300) AS n;
        CREATE INDEX ON item USING hnsw (embedding vector_l2_ops);
    """)


def after(server: Foreign) -> None:
    server.sql("INSERT INTO item VALUES (1000, '[1,2,3]')")
