"""Tables, indexes and a whole database in tablespaces."""

from __future__ import annotations

from tests.foreign.cluster import Foreign
from tests.support.ground import folder


def before(server: Foreign) -> None:
    fast, slow = folder(server.place / "disks/fast"), folder(server.place / "disks/old and slow")
    server.sql(f"CREATE TABLESPACE fast LOCATION '{fast}'")
    server.sql(f"""CREATE TABLESPACE "old and slow" LOCATION '{slow}' WITH (random_page_cost = 8)""")
    server.sql("""CREATE DATABASE history TABLESPACE "old and slow" """)
    server.execute("CREATE TABLE past AS SELECT generate_series(1, 1000) AS n", "history")
    server.sql("""
        CREATE TABLE hot (id int PRIMARY KEY USING INDEX TABLESPACE fast, word text) TABLESPACE fast;
        INSERT INTO hot SELECT n, md5(n::text) FROM generate_series(1, 2000) AS n;
    """)


def after(server: Foreign) -> None:
    server.sql("""
        CREATE TABLE cold TABLESPACE "old and slow" AS SELECT * FROM hot WHERE id % 2 = 0;
        UPDATE hot SET word = 'warm' WHERE id < 100;
    """)
    server.execute("DELETE FROM past WHERE n > 900", "history")
