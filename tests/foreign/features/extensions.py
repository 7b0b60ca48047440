"""An extension with tables of its own, whose rows of the user's a dump has to carry."""

from __future__ import annotations

from tests.foreign.cluster import Foreign
from tests.foreign.installation import EXTENSION


def before(server: Foreign) -> None:
    server.sql(f"""
        CREATE SCHEMA catalogue;
        CREATE EXTENSION {EXTENSION};
        INSERT INTO catalogue.kinds (id, label) VALUES (nextval('catalogue.kinds_id'), 'of the user');
    """)


def after(server: Foreign) -> None:
    server.sql("INSERT INTO catalogue.kinds (id, label) VALUES (nextval('catalogue.kinds_id'), 'in WAL')")
