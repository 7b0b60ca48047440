"""The transaction that emptied, dropped or changed a table, read in WAL alone: nothing is copied for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from finding.catalogs import Table
from finding.stretches import Stretch, Window
from finding.touches import Touch, count
from finding.traces import Change, Tracker
from finding.transactions import Ending


@dataclass
class Act:
    """What one committed transaction did to the table."""

    commit: Ending
    touch: Touch = field(default_factory=Touch)
    changes: list[Change] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        return {change.kind for change in self.changes}

    def __str__(self) -> str:
        counts = [f"{count:,} rows {word}" for word, count in vars(self.touch).items() if count]
        return ", ".join(sorted(self.kinds) + ([] if "rewritten" in self.kinds else counts))


@dataclass(frozen=True)
class Size:
    """How many tables one name stands for (a partitioned one for many), and the planner's estimate of their
    rows in the base backup, -1 where there is none."""

    tables: int
    rows: float


class TableReader:
    """Reads one stretch for the acts on a table, of its partitions and heirs too."""

    def __init__(self, stretch: Stretch, database: int, tables: list[Table]) -> None:
        self.stretch, self.database = stretch, database
        catalogs, oids = stretch.catalogs, {table.oid for table in tables}
        family = oids | catalogs.children(database, oids)
        self.tables = [one for one in catalogs.tables(database) if one.oid in family and one.file]
        self.tracker = Tracker(
            stretch.reader, database, {f"{database}/{one.file}": one.oid for one in self.tables}
        )

    def acts(self, window: Window) -> list[Act]:
        """Every transaction in the window that touched the table, in WAL order; ``tracker`` has read it."""
        touches: dict[int, Touch] = {}
        for xid, touch in count(self.stretch.reader, 0, self.stretch.last, self._places()):
            top = self.tracker.tops.get(xid, xid)
            touches[top] = touches.get(top, Touch()) + touch
        commits = self.tracker.commits.of(touches)
        acts = {xid: Act(commit, touches[xid]) for xid, commit in commits.items()}
        for change in self.tracker.changes:
            acts.setdefault(change.by.xid, Act(change.by)).changes.append(change)
        inside = (act for act in acts.values() if self._inside(act.commit, window))
        return sorted(inside, key=lambda act: act.commit.lsn)

    def _inside(self, commit: Ending, window: Window) -> bool:
        return commit.lsn < self.stretch.end and (window.after is None or commit.time > window.after)

    def _places(self) -> set[str]:
        """Each file with its tablespace, as pg_waldump takes it."""
        spaces = {one.oid: self._space(one) for one in self.tables}
        return {f"{spaces[oid]}/{file}" for file, oid in self.tracker.files.items()}

    def _space(self, table: Table) -> int:
        return table.tablespace or self.stretch.catalogs.default_tablespace(self.database)

    @property
    def size(self) -> Size:
        """How much there is to lose."""
        newest = {one.oid: one.rows for one in self.tables}
        known = all(rows >= 0 for rows in newest.values())
        return Size(len(newest), sum(newest.values()) if known else -1)
