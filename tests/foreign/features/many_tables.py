"""A schema of 1,000 tables, with keys between them."""

from __future__ import annotations

from tests.foreign.cluster import Foreign

COUNT = 1000


def before(server: Foreign) -> None:
    server.sql(f"""
        CREATE SCHEMA many;
        DO $$ BEGIN FOR n IN 1..{COUNT} LOOP
            EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, up int %s)', n,
                CASE WHEN n % 10 = 0 THEN format('REFERENCES many.t%s', n - 1) ELSE '' END);
            EXECUTE format('INSERT INTO many.t%s SELECT 1, NULL', n);
        END LOOP; END $$
    """)


def after(server: Foreign) -> None:
    server.sql(f"""
        DO $$ BEGIN FOR n IN 1..{COUNT} BY 7 LOOP
            EXECUTE format('INSERT INTO many.t%s VALUES (%s, NULL)', n, n + 1);
        END LOOP; END $$
    """)
