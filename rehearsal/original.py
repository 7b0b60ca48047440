"""Fingerprints of the original, to show that no stage of a restore has changed it.

A running server writes to its data directory by itself, so the whole directory is never the same
twice. What must stay the same while the application's writes are stopped is taken in two halves:

* what it holds, by SQL in one read-only snapshot: for every table of the application its columns,
  constraints, indexes, row count and the sum of a 64-bit hash over its rows; sequences and roles;
* its files: the content of the configuration and of every file of the application's relations, and
  the names of all other files that stay (``base``, ``global``, tablespaces, the top level).

Left out is what the server writes of its own accord: the WAL and its archive status, transaction
status and other SLRUs (pg_xact, pg_multixact, pg_subtrans, ...), statistics, postmaster.pid, the
relation caches (pg_internal.init), temporary files, and the content of the system catalogs' files,
in which any new session may set hint bits. Their rows that matter here are in the first half.

``settle`` must come before the first of two fingerprints: reading a table sets hint bits and prunes
pages too. It vacuums the application's tables once, so that nothing is left for a reader to write,
and checkpoints. The site's original has autovacuum off, so nothing comes after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_CONFIGURATION = ("PG_VERSION", "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
_OWN = ("postmaster.pid", "postmaster.opts", "pg_internal.init", "current_logfiles")
_STAYING = ("base", "global", "pg_tblspc")

_OURS = "relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_|^information_schema$')"
# The queries below are put together from constants of this file alone, hence no S608.
_TABLES = f"SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND {_OURS} ORDER BY 1"  # noqa: S608
_TOASTS = f"SELECT reltoastrelid FROM pg_class WHERE {_OURS}"  # noqa: S608
_FILES = f"""
SELECT DISTINCT pg_relation_filepath(c.oid) FROM pg_class AS c LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE pg_relation_filepath(c.oid) IS NOT NULL
  AND ({_OURS} OR c.oid IN ({_TOASTS}) OR i.indrelid IN ({_TOASTS}))
ORDER BY 1
"""  # noqa: S608 - constants only
_DEFINITIONS = (
    f"""SELECT c.oid::regclass::text, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND {_OURS} ORDER BY 1, 2""",  # noqa: S608
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2",
    "SELECT schemaname, indexname, indexdef FROM pg_indexes ORDER BY 1, 2",
    "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2",
    "SELECT rolname, rolsuper, rolcanlogin, md5(rolpassword) FROM pg_authid ORDER BY 1",
    "SELECT slot_name, active FROM pg_replication_slots ORDER BY 1",
)


@dataclass(frozen=True)
class Fingerprint:
    """The original at one moment; two are equal where nothing has changed."""

    content: str
    """SHA-256, hexadecimal, of what it holds."""
    files: str
    """SHA-256, hexadecimal, of its data directory as described above."""

    @property
    def digest(self) -> str:
        """Both in one, for a report."""
        return hashlib.sha256(f"{self.content}{self.files}".encode()).hexdigest()


def settle(superuser_url: str) -> None:
    """Leave nothing that a reader would write: vacuum the application's tables, then a checkpoint."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for (table,) in connection.execute(_TABLES.encode()).fetchall():
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.SQL(table)))
        connection.execute("CHECKPOINT")


def fingerprint(superuser_url: str, data: Path) -> Fingerprint:
    """The original's fingerprint, its dirty pages written to its files first."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        relations = [str(path) for (path,) in connection.execute(_FILES.encode())]
    with psycopg.connect(superuser_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        content = _digest(repr(row).encode() for row in _content(connection))
    return Fingerprint(content, _digest(_files(data, relations)))


def _content(connection: psycopg.Connection) -> Iterator[Any]:
    for query in _DEFINITIONS:
        yield connection.execute(query.encode()).fetchall()
    for (table,) in connection.execute(_TABLES.encode()).fetchall():
        rows = sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} AS t")
        yield table, connection.execute(rows.format(sql.SQL(table))).fetchall()


def _files(data: Path, relations: list[str]) -> Iterator[bytes]:
    for name in _CONFIGURATION:
        path = data / name
        yield name.encode() + (path.read_bytes() if path.exists() else b"")
    for relation in relations:
        first = data / relation
        # A segment a gigabyte: 16384, 16384.1, ...; the maps beside it are 16384_fsm and 16384_vm.
        for path in sorted((first, *first.parent.glob(f"{first.name}.*"))):
            yield str(path.relative_to(data)).encode() + _content_hash(path)
    yield "\n".join(sorted(_names(data))).encode()


def _names(data: Path) -> Iterator[str]:
    yield from (path.name for path in data.iterdir() if path.name not in _OWN)
    for folder in _STAYING:
        for path in (data / folder).rglob("*"):
            if path.name not in _OWN and "pgsql_tmp" not in path.parts:
                yield str(path.relative_to(data))


def _content_hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _digest(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()
