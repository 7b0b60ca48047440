"""A probe's turn from true to false within one stretch of WAL, by throw-away restores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archive.targets import utc
from finding.answer import Effort
from finding.copies import Copies
from finding.names import matching
from finding.probe import Probe
from finding.scene import Scene
from finding.search import Search, bisection
from finding.stretches import Stretch, Window
from finding.tables import Act, TableReader
from finding.traces import Tracker
from finding.transactions import Commits, Ending
from problem import Problem

_SUSPECTS = 8


@dataclass(frozen=True)
class Turned:
    """The commit that made it false, the last one after which it was true (None: the start), and how many
    lie between them in which nobody could tell."""

    commit: Ending
    before: Ending | None
    between: int


@dataclass(frozen=True)
class Asking:
    """One probe on one stretch of WAL."""

    scene: Scene
    stretch: Stretch
    window: Window
    probe: Probe
    effort: Effort

    def turn(self, read: Tracker, suspects: Iterable[Ending] | None = None) -> Turned | None:
        """The turn in what was ``read``; None where it is false at the start, or nothing was committed.

        Without ``suspects`` they are taken from WAL, by the tables that the probe reads. Problem
        ``probe-true-to-the-end`` where it never turns, ``probe-locked`` where nobody can tell at the start.
        """
        part, start = self._part(read)
        if not len(part):
            return None
        with Copies(self.stretch, self.probe, part, start, self.scene, self.effort) as copies:
            first = copies.look(-1)
            if first is None:
                raise self._locked()
            self.effort.naive = bisection(len(part)) * self.effort.copied // self.effort.copies
            if first is False:
                return None
            likely = self._likely(copies) if suspects is None else suspects
            search = Search(len(part), copies.look, copies.position, copies.costs)
            found = search.run(index for one in likely if (index := _index(part, one)) is not None)
        if found is None:
            raise self._true_to_the_end(part[len(part) - 1], read)
        before = part[found.last_true] if found.last_true >= 0 else None
        return Turned(part[found.first_false], before, found.first_false - found.last_true - 1)

    def _part(self, read: Tracker) -> tuple[Commits, int]:
        """The commits to search, and the position of the state before the first of them."""
        commits, stop = read.commits, self.stretch.backup.stop_lsn
        first = commits.index(stop)
        if self.window.after:
            first = max(first, commits.first_after(self.window.after))
        start = commits[first - 1].end if first else stop
        end = min(self.stretch.end, read.tablespace or self.stretch.end)
        return commits.part(first, commits.index(end)), max(start, stop)

    def _likely(self, copies: Copies) -> list[Ending]:
        """Transactions that did most to the tables which the probe's plan reads."""
        catalogs = self.stretch.catalogs
        database = catalogs.database(self.probe.database)
        if database is None:
            return []
        named = self.probe.tables(copies.at(-1).cluster)
        there = catalogs.tables(database)
        tables = [table for schema, name in named for table in matching(there, schema, name)]
        if not tables:
            return []
        reader = TableReader(self.stretch, database, tables)
        for _position in reader.tracker.read(0, self.stretch.last):
            pass
        acts = reader.acts(self.window)
        return [act.commit for act in sorted(acts, key=_severity)[-_SUSPECTS:]]

    def _locked(self) -> Problem:
        what = "At the start of the search a transaction holds a lock on what the probe asks about."
        return Problem("probe-locked", what, "Begin at another time: --after TIME")

    def _true_to_the_end(self, last: Ending, read: Tracker) -> Problem:
        end = f"the commit of {utc(last.time)} by transaction {last.xid}"
        what = f"The probe is true to the end of the search, {end}."
        if read.tablespace and read.tablespace < self.stretch.end:
            what += " What follows makes a tablespace, and is not replayed beside the original."
        cure = (
            "Check the probe on the source. Later WAL may not be archived yet: SELECT pg_switch_wal() there."
        )
        return Problem("probe-true-to-the-end", what, cure)


def _severity(act: Act) -> tuple[int, int, int]:
    """Whole files first, then rows deleted, then rows touched."""
    return len(act.changes), act.touch.deleted, act.touch.rows


def _index(commits: Commits, one: Ending) -> int | None:
    """Which of the commits it is; None where it is none of them."""
    index = commits.index(one.lsn)
    return index if index < len(commits) and commits[index].lsn == one.lsn else None
