"""The tables of an archive filled: largest first, several at a time, frozen as they come."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import psycopg

from dbrestore.handler import Context
from dbrestore.logical import ledger
from dbrestore.logical.complaints import Complaint
from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.programs import interrupted
from dbrestore.logical.rows import Rows
from dbrestore.logical.target import Target
from dbrestore.progress import Meter
from problem import Problem

LOADING = "loading data"
SHARED_FROM = 4 << 20
"""Bytes of the dump; a smaller table is loaded before it is worth sharing."""
SESSION = (
    b"SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    b"SET row_security = off; SET synchronous_commit = off; SET xmloption = content;"
    b"SET client_min_messages = warning; SELECT pg_catalog.set_config('search_path', '', false)"
)
_PART = r'(?:"(?:[^"]|"")+"|[^\s".]+)'
TABLE = rf"{_PART}(?:\.{_PART})?"
"""A table's name as SQL has it."""


_MADE = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE ({TABLE}) \(", re.MULTILINE)


def freezable(entries: Iterable[Entry]) -> set[str]:
    """The tables, as SQL has their names, that may be emptied before their rows come frozen.

    Those that the dump makes itself: an extension's tables may hold rows of the extension already. No
    partitioned ones, which hold no rows of their own.
    """
    made = (_MADE.search(one.sql) for one in entries if "PARTITION BY" not in one.sql)
    return {match[1] for match in made if match}


def shared(size: int, total: int, jobs: int) -> bool:
    """Whether a table of so many bytes is filled by all connections together: one alone would be the last.

    Its rows then come neither frozen nor without WAL, which takes a transaction that nobody else sees into.
    """
    return jobs > 1 and size >= SHARED_FROM and size * jobs > total


def table_of(copy: str) -> str:
    """The table of a COPY statement; of a partition's data that may be its partitioned table."""
    match = re.match(rf"COPY ({TABLE}) ", copy)
    return match[1] if match else ""


class _Stopped(Exception):
    """Another connection failed: what this one has of a table is half of it."""


class TableData:
    """Loads table data entries; ``rows`` is what each table got, ``complaints`` what went wrong."""

    def __init__(self, data: Data, target: Target, jobs: int, context: Context, noted: bool = False) -> None:
        """``noted``: each table comes whole, in one transaction with its note in the target's ledger."""
        self._data, self._target, self._jobs, self._context = data, target, jobs, context
        self._noted = noted
        self._shared: list[Rows] = []
        self._queue: SimpleQueue[Rows] = SimpleQueue()
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self.rows: dict[str, int] = {}
        self.complaints: list[Complaint] = []

    def load(self, entries: Sequence[Entry], made: Iterable[Entry]) -> None:
        """Fill the tables. ``made``: the objects that this load itself has made.

        Problem where the dump breaks off or the operator stops it.
        """
        total = sum(map(self._data.size, entries))
        meter = Meter(LOADING, total, self._context.progress)
        self._freezable = freezable(made)
        tables = [
            Rows(self._data, entry, meter.add) for entry in sorted(entries, key=self._data.size, reverse=True)
        ]
        for table in tables:
            self.rows[table.entry.label] = 0
            if not self._noted and shared(self._data.size(table.entry), total, self._jobs):
                self._shared.append(table)
            else:
                self._queue.put(table)
        with ThreadPoolExecutor(self._jobs) as pool:
            for worker in [pool.submit(self._work) for _ in range(min(self._jobs, len(entries)))]:
                worker.result()
        if not self.complaints:
            self._compare(tables)
        meter.done()

    def _work(self) -> None:
        try:
            with self._target.connect() as connection:
                connection.execute(SESSION)
                self._encode(connection)
                for table in self._tables():
                    self._fill(connection, table)
        except _Stopped:
            return
        except BaseException:
            self._stopped.set()
            raise

    def _tables(self) -> Iterator[Rows]:
        """What one connection fills: its part of every shared table, then whole ones while there are any."""
        for table in self._shared:
            if not self._stopped.is_set():
                yield table
        while not self._stopped.is_set():
            try:
                yield self._queue.get_nowait()
            except Empty:
                return

    def _encode(self, connection: psycopg.Connection[Any]) -> None:
        for entry in self._data.dump.entries:
            if entry.kind in ("ENCODING", "STDSTRINGS"):
                connection.execute(entry.sql.encode())

    def _fill(self, connection: psycopg.Connection[Any], table: Rows) -> None:
        label = table.entry.label
        try:
            with connection.transaction():
                if self._noted and not ledger.claim(connection, table.entry):
                    return
                statement = table.entry.copy.rstrip(";")
                if table not in self._shared and (name := table_of(statement)) in self._freezable:
                    # Emptied in the same transaction, so that the rows may come frozen and without WAL.
                    connection.execute(_bytes(f"TRUNCATE ONLY {name}", connection))
                    statement += " WITH (FREEZE)"
                count = self._copy(connection, table, statement)
                if self._noted:
                    _require_whole(table, count)
                    ledger.count(connection, table.entry, count)
            with self._lock:
                self.rows[label] += count
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            self._stopped.set()
            said = " ".join(str(error).split())
            # Whatever it says, and it may quote a row: the table is not whole.
            self.complaints.append(Complaint("fatal", label, said))

    def _copy(self, connection: psycopg.Connection[Any], table: Rows, statement: str) -> int:
        cursor = connection.cursor()
        with cursor.copy(_bytes(statement, connection)) as copy:
            while piece := table.take():
                if self._context.cancelled.is_set():
                    raise interrupted()
                if self._stopped.is_set():
                    raise _Stopped
                copy.write(piece)
        return cursor.rowcount

    def _compare(self, tables: Sequence[Rows]) -> None:
        for table in tables:
            _require_whole(table, self.rows[table.entry.label])


def _require_whole(table: Rows, loaded: int) -> None:
    if loaded != table.count:
        what = f"{table.entry.label} has {table.count} rows, {loaded} were loaded."
        raise Problem("rows-missing", what)


def _bytes(statement: str, connection: psycopg.Connection[Any]) -> bytes:
    """A statement in the dump's encoding, which the session has as well."""
    return statement.encode(connection.info.encoding)
