"""Find the moment: read in WAL first, asked of throw-away restores where WAL leaves a doubt."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from archive.lsn import format_lsn
from archive.proof import prove
from archive.targets import Target, utc
from dbrestore.progress import Meter
from finding.answer import Answer, Effort
from finding.asking import Asking, Turned
from finding.catalogs import Table
from finding.deeds import Deeds, deeds
from finding.names import matching, parse_name, unknown
from finding.probe import Probe, any_rows, existence
from finding.scene import Scene
from finding.search import bisection
from finding.stretches import Stretch, Window, stretches
from finding.suspicion import Suspicion, What, suspicion
from finding.tables import TableReader
from finding.traces import Tracker
from finding.transactions import Ending
from problem import Problem


class Hunt:
    """One search in a window of time.

    Problems: table-unknown, find-nothing, find-out-of-reach, probe-failed and its like, and those of archive.
    """

    def __init__(self, scene: Scene, window: Window) -> None:
        self.scene, self.window = scene, window
        self.effort, self._begun = Effort(), time.monotonic()
        self._end: Ending | None = None
        """The last commit of all that was read."""

    def table(self, name: str, what: What, ask: bool = False) -> Answer:
        """The transaction that lost or changed a table; ``ask``: prove it by a throw-away restore, too."""
        schema, plain = parse_name(name)
        seen: list[Table] = []
        known = False
        for stretch in stretches(self.scene, self.window, self.effort):
            database = stretch.catalogs.database(self.scene.database)
            if database is None:
                continue
            there = stretch.catalogs.tables(database)
            seen += there
            meant = matching(there, schema, plain)
            known = known or bool(meant)
            found = (
                self._in(stretch, TableReader(stretch, database, meant), meant, what, ask) if meant else None
            )
            if found:
                return found
        if not known:
            raise unknown(name, seen, self.scene.database)
        raise self._nothing(f"No transaction {_DID[what]} {name}", "Ask for any change: --changed")

    def _in(
        self, stretch: Stretch, reader: TableReader, meant: list[Table], what: What, ask: bool
    ) -> Answer | None:
        self._read(stretch, reader.tracker)
        found = suspicion(reader.acts(self.window), what, reader.size)
        if found is None:
            return None
        commits = reader.tracker.commits
        if what != "changed" and (ask or not found.clear):
            question = existence if "dropped" in found.act.kinds else any_rows
            probe = Probe(question(meant[-1].schema, meant[-1].name), self.scene.database)
            suspects = [one.commit for one in (found.act, *found.others)]
            turned = self._ask(stretch, probe, reader.tracker, suspects)
            return self._answer(stretch, turned, found) if turned else None
        index = commits.index(found.act.commit.lsn)
        before = commits[index - 1] if index else None
        return self._answer(stretch, Turned(found.act.commit, before, 0), found, asked=False)

    def probe(self, statement: str) -> Answer:
        """The last moment at which a statement gave true: the transaction after which it gives false."""
        probe = Probe(statement, self.scene.database)
        for stretch in stretches(self.scene, self.window, self.effort):
            tracker = Tracker(stretch.reader, 0, {})
            self._read(stretch, tracker)
            turned = self._ask(stretch, probe, tracker, None)
            if turned:
                return self._answer(stretch, turned, None)
        if not self.effort.questions:
            raise self._nothing("No transaction was committed", "See what can be reached: reforge sources")
        raise self._nothing("The probe is false from the earliest moment on", "Check it on the source")

    def _read(self, stretch: Stretch, tracker: Tracker) -> None:
        meter = Meter(f"reading WAL from base backup {stretch.backup.name}", stretch.size, self.scene.tell)
        begin = stretch.chain.segments[0].start_lsn
        for position in tracker.read(0, stretch.last):
            meter.reach(position - begin)
        meter.done()
        self.effort.wal_read += stretch.size
        commits = tracker.commits
        self.effort.naive = self.effort.naive or bisection(len(commits)) * stretch.backup.size
        if self._end is None and len(commits):
            self._end = commits[len(commits) - 1]

    def _ask(
        self, stretch: Stretch, probe: Probe, read: Tracker, suspects: list[Ending] | None
    ) -> Turned | None:
        """None where the stretch does not tell, and an older one may."""
        return Asking(self.scene, stretch, self.window, probe, self.effort).turn(read, suspects)

    def _answer(
        self, stretch: Stretch, turned: Turned, found: Suspicion | None, asked: bool = True
    ) -> Answer:
        self.scene.tell(f"reading what transaction {turned.commit.xid} did")
        database = stretch.catalogs.database(self.scene.database) or 0
        done = deeds(stretch.reader, stretch.catalogs, database, turned.commit)
        target, hindrance = self._reachable(stretch, turned.commit)
        self.effort.seconds = time.monotonic() - self._begun
        acts = (found.act, *found.others) if found else ()
        return Answer(
            commit=turned.commit,
            before=turned.before,
            deed=next((str(act) for act in acts if act.commit.lsn == turned.commit.lsn), _summary(done)),
            deeds=done,
            evidence="asked" if asked else "wal",
            effort=self.effort,
            backup=stretch.backup.name,
            timeline=stretch.chain.timeline,
            target=target,
            hindrance=hindrance,
            between=turned.between,
            last=self._end or turned.commit,
            others=tuple((act.commit, str(act)) for act in acts if act.commit.lsn != turned.commit.lsn),
        )

    def _reachable(self, stretch: Stretch, commit: Ending) -> tuple[tuple[str, ...], str]:
        """The options of a restore to just before a commit, proven; or none, and why."""
        lsn, hindrance = format_lsn(commit.lsn), ""
        for kind, value in (("xid", str(commit.xid)), ("lsn", lsn)):
            target = Target("xid" if kind == "xid" else "lsn", value, inclusive=False)
            try:
                proof = prove(
                    self.scene.backups, self.scene.archive, target, stretch.binaries, datetime.now(UTC)
                )
            except Problem as problem:
                hindrance = problem.what
                continue
            if proof.needed and proof.needed[-1].start_lsn <= commit.lsn < proof.needed[-1].end_lsn:
                return (f"--{kind}", value, "--exclusive"), ""
        return (), hindrance

    def _nothing(self, what: str, cure: str) -> Problem:
        window = self.window
        since = f" after {utc(window.after)}" if window.after else ""
        until = f" before {utc(window.before)}" if window.before else ""
        reach = f", which reaches to the commit of {utc(self._end.time)}" if self._end else ""
        return Problem("find-nothing", f"{what}{since}{until} in the WAL that is there{reach}.", cure)


_DID = {
    "lost": "emptied or dropped",
    "emptied": "emptied",
    "dropped": "dropped",
    "changed": "changed",
}


def _summary(done: Deeds) -> str:
    return "; ".join(done.words()) or "nothing that WAL tells of in this database"
