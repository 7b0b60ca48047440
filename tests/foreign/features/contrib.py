"""Types and indexes of PostgreSQL's own extensions."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE SCHEMA tools;
        CREATE EXTENSION citext SCHEMA tools;
        CREATE EXTENSION hstore SCHEMA tools;
        CREATE EXTENSION pg_trgm SCHEMA tools;
        CREATE EXTENSION pg_stat_statements SCHEMA tools;
        CREATE TABLE account (mail tools.citext PRIMARY KEY, settings tools.hstore);
        CREATE INDEX ON account USING gin ((mail::text) tools.gin_trgm_ops);
        INSERT INTO account SELECT 'User' || n || '@example.org', tools.hstore('n', n::text)
            FROM generate_series(1, 200) AS n;
    """)


def after(server: Foreign) -> None:
    server.sql("UPDATE account SET settings = settings OPERATOR(tools.||) 'seen=>yes' WHERE mail ~ '1'")
