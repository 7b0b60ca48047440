"""Unlogged tables and sequences: their rows never reach the WAL."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE UNLOGGED TABLE session (id serial PRIMARY KEY, word text);
        INSERT INTO session (word) SELECT 'before' FROM generate_series(1, 100);
        CREATE TABLE logged_later (id int);
        INSERT INTO logged_later SELECT generate_series(1, 10);
    """)


def after(server: Foreign) -> None:
    server.sql("""
        INSERT INTO session (word) VALUES ('after');
        ALTER TABLE logged_later SET UNLOGGED;
        ALTER TABLE logged_later SET LOGGED;
    """)
