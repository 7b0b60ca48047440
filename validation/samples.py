"""Rows that a writing check has committed and not yet removed, noted so that a killed run's are removed too.

The note is on disk before the row is committed. Otherwise a restore that was being validated when its
machine went down would serve with a sample in it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

from problem import Problem
from validation.connections import Connection, Unreachable, connect
from validation.statements import Row, clean, inserted, plain


@dataclass(frozen=True)
class Samples:
    """The note of one database, in a file; without a ``file`` nothing is noted."""

    file: Path | None = None

    def insert(self, connection: Connection, statement: str, cleanup: list[str]) -> Row:
        """The row of an ``insert``, committed; noted before that where ``cleanup`` can remove it."""
        with connection.transaction():
            row = inserted(connection, statement)
            if cleanup:
                self._note(cleanup, row)
        return row

    def remove(self, connection: Connection, cleanup: list[str], row: Row) -> None:
        """Remove a row again, and its note once it is gone."""
        clean(connection, cleanup, row)
        self._forget()

    def clear(self, url: str) -> bool:
        """Remove what a killed run has left in the database; tells whether there was anything.

        Problem ``sample-left`` where it cannot be removed. A database that does not answer is left to the
        run that follows, which says so.
        """
        if not self.file or not self.file.exists():
            return False
        left = json.loads(self.file.read_text())
        try:
            with connect(url, read_only=False) as connection:
                self.remove(connection, left["cleanup"], left["row"])
        except Unreachable:
            return False
        except psycopg.Error as error:
            what = f"A killed validation left the sample {left['row']}, and removing it failed: {error}"
            cure = f"Remove it by hand, then {self.file}, and run the same command again."
            raise Problem("sample-left", what, cure) from error
        return True

    def _note(self, cleanup: list[str], row: Row) -> None:
        if not self.file:
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = {name: plain(value) for name, value in row.items()}
        with self.file.open("w") as note:
            json.dump({"cleanup": cleanup, "row": known}, note)
            note.flush()
            os.fsync(note.fileno())

    def _forget(self) -> None:
        if self.file:
            self.file.unlink(missing_ok=True)
