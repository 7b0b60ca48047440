"""The tables of an archive filled: largest first, several at a time, frozen as they come."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import psycopg

from dbrestore.handler import Context
from dbrestore.logical.complaints import Complaint, grade
from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.programs import interrupted
from dbrestore.logical.target import Target
from dbrestore.progress import Meter
from problem import Problem

LOADING = "loading data"
END = b"\\.\n\n\n"
"""What pg_dump writes after the last row of a table (pg_dump.c, dumpTableData_copy)."""
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


def table_of(copy: str) -> str:
    """The table of a COPY statement; of a partition's data that may be its partitioned table."""
    match = re.match(rf"COPY ({TABLE}) ", copy)
    return match[1] if match else ""


class TableData:
    """Loads table data entries; ``rows`` is what each table got, ``complaints`` what went wrong."""

    def __init__(self, data: Data, target: Target, jobs: int, context: Context) -> None:
        self._data, self._target, self._jobs, self._context = data, target, jobs, context
        self._queue: SimpleQueue[Entry] = SimpleQueue()
        self._stopped = threading.Event()
        self.rows: dict[str, int] = {}
        self.complaints: list[Complaint] = []

    def load(self, entries: Sequence[Entry]) -> None:
        """Fill the tables. Problem where the dump breaks off or the operator stops it."""
        self._meter = Meter(LOADING, sum(map(self._data.size, entries)), self._context.progress)
        self._freezable = freezable(self._data.dump.entries)
        for entry in sorted(entries, key=self._data.size, reverse=True):
            self._queue.put(entry)
        with ThreadPoolExecutor(self._jobs) as pool:
            for worker in [pool.submit(self._work) for _ in range(min(self._jobs, len(entries)))]:
                worker.result()
        self._meter.done()

    def _work(self) -> None:
        try:
            with self._target.connect() as connection:
                connection.execute(SESSION)
                self._encode(connection)
                while not self._stopped.is_set():
                    try:
                        entry = self._queue.get_nowait()
                    except Empty:
                        return
                    self._fill(connection, entry)
        except BaseException:
            self._stopped.set()
            raise

    def _encode(self, connection: psycopg.Connection[Any]) -> None:
        for entry in self._data.dump.entries:
            if entry.kind in ("ENCODING", "STDSTRINGS"):
                connection.execute(entry.sql.encode())

    def _fill(self, connection: psycopg.Connection[Any], entry: Entry) -> None:
        try:
            with connection.transaction():
                statement = entry.copy.rstrip(";")
                if (table := table_of(statement)) in self._freezable:
                    # Emptied in the same transaction, so that the rows may come frozen and without WAL.
                    connection.execute(_bytes(f"TRUNCATE ONLY {table}", connection))
                    statement += " WITH (FREEZE)"
                self.rows[entry.label] = self._copy(connection, entry, statement)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            self._stopped.set()
            said = " ".join(str(error).split())
            self.complaints.append(Complaint(grade(entry.label, said), entry.label, said))

    def _copy(self, connection: psycopg.Connection[Any], entry: Entry, statement: str) -> int:
        sent, tail = 0, b""
        cursor = connection.cursor()
        with cursor.copy(_bytes(statement, connection)) as copy:
            for chunk in self._data.chunks(entry, self._meter.add):
                if self._context.cancelled.is_set():
                    raise interrupted()
                copy.write(chunk)
                sent += chunk.count(b"\n")
                tail = (tail + chunk)[-len(END) :]
        if tail != END:
            what = f"The dump {self._data.dump.path} is not whole: {entry.label} breaks off."
            raise Problem("dump-truncated", what, "Fetch it again, or take another dump.")
        if cursor.rowcount != sent - END.count(b"\n"):
            rows = sent - END.count(b"\n")
            raise Problem("rows-missing", f"{entry.label} has {rows} rows, {cursor.rowcount} were loaded.")
        return cursor.rowcount


def _bytes(statement: str, connection: psycopg.Connection[Any]) -> bytes:
    """A statement in the dump's encoding, which the session has as well."""
    return statement.encode(connection.info.encoding)
