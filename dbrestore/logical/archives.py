"""The three passes over an archive: what tables need, their data, what stands on the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg import sql

from dbrestore.handler import Context
from dbrestore.logical.complaints import Complaint, judge
from dbrestore.logical.data import Data
from dbrestore.logical.database import of_database
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.programs import restore_entries
from dbrestore.logical.reading import Dump
from dbrestore.logical.tabledata import TableData
from dbrestore.logical.target import Target

_APART = {"DATABASE", "ENCODING", "STDSTRINGS", "SEARCHPATH"}


class Passes:
    """The chosen entries of an archive by the pass that brings them; each may have a process of its own."""

    def __init__(
        self, dump: Dump, chosen: Sequence[Entry], target: Target, options: Options, context: Context
    ) -> None:
        self._dump, self._target, self._options, self._context = dump, target, options, context
        entries = [one for one in chosen if one.kind not in _APART and not of_database(one)]
        self.tables = [one for one in entries if _copied(one)]
        self.before = [one for one in entries if one.section == "pre"]
        self.others = [one for one in entries if one.section == "data" and not _copied(one)]
        """Large objects, sequences, rows as INSERT statements: pg_restore brings them."""
        self.after = [one for one in entries if one.section in ("post", "none")]

    def make(self) -> list[Complaint]:
        """What tables need. A complaint that is fatal ends it."""
        self._context.progress(f"making {len(self.before)} objects")
        return _none_fatal(self._restore(self.before, 1))

    def fill(self, tables: Sequence[Entry], noted: bool = False) -> dict[str, int]:
        """Rows of each table; ``noted``: with a note of each in the target's ledger."""
        data = TableData(Data(self._dump), self._target, self._options.jobs, self._context, noted)
        data.load(tables, self.before)
        judge(data.complaints, ())
        return data.rows

    def bring(self) -> list[Complaint]:
        """What else is data; a complaint that is fatal ends it. A second time it needs ``empty`` before."""
        return _none_fatal(self._restore(self.others, 1))

    def empty(self) -> None:
        """Take away what rows a ``bring`` that was cut short has left."""
        with self._target.connect() as connection:
            for one in self.others:
                if one.kind == "TABLE DATA":
                    table = sql.Identifier(one.schema, one.name)
                    connection.execute(sql.SQL("TRUNCATE ONLY {}").format(table))

    def build(self) -> list[Complaint]:
        """What stands on the data."""
        self._context.progress(f"building {len(self.after)} indexes, constraints and grants")
        return self._restore(self.after, self._options.jobs)

    def _restore(self, entries: Sequence[Entry], jobs: int) -> list[Complaint]:
        options = replace(self._options, jobs=jobs)
        return restore_entries(self._dump, self._target, entries, options, self._context)


def load_archive(passes: Passes) -> tuple[dict[str, int], list[Complaint]]:
    """Rows of each table and everything complained of. A pass that failed fatally is the last one."""
    complaints = passes.make()
    rows = passes.fill(passes.tables)
    return rows, complaints + passes.bring() + passes.build()


def _none_fatal(complaints: list[Complaint]) -> list[Complaint]:
    judge(complaints, [one.label for one in complaints if one.grade == "lossy"])
    return complaints


def _copied(entry: Entry) -> bool:
    return entry.kind == "TABLE DATA" and bool(entry.copy)
