"""Text outside of ASCII in rows, names, comments and an index in the locale's order."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE TABLE "straße" ("größe" text PRIMARY KEY);
        COMMENT ON TABLE "straße" IS 'Maß und Gewicht';
        INSERT INTO "straße" VALUES ('Äpfel'), ('apfel'), ('Zebra'), ('zöllner'), ('Ölbaum');
        CREATE INDEX ON "straße" (lower("größe"));
    """)


def after(server: Foreign) -> None:
    server.sql("""INSERT INTO "straße" VALUES ('Übermut'), ('café')""")
