"""Collations of ICU, one of them without regard to case, in columns and indexes."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE COLLATION phone_book (provider = icu, locale = 'de-u-co-phonebk');
        CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE person (name text COLLATE phone_book, login text COLLATE any_case UNIQUE);
        INSERT INTO person VALUES ('Göbel', 'goebel'), ('Goethe', 'Goethe'), ('Götz', 'GÖTZ');
        CREATE INDEX ON person (name);
        CREATE INDEX ON person (upper(name COLLATE "de-x-icu"));
    """)


def after(server: Foreign) -> None:
    server.sql("INSERT INTO person VALUES ('Goldmann', 'GOLDMANN'), ('Ärmel', 'Ärmel')")
