"""Throw-away restores one after the other, each asked further and further on, and what they cost."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from finding.answer import Effort
from finding.places import clear
from finding.probe import Probe
from finding.scene import Scene
from finding.search import Costs, bisection
from finding.stretches import Stretch
from finding.throwaway import ThrowAway, throw_away
from finding.transactions import Commits


@dataclass
class Copies:
    """Answers a probe after any commit of a stretch, with the present copy if that stands before it."""

    stretch: Stretch
    probe: Probe
    commits: Commits
    start: int
    """Position of the state before the first commit."""
    scene: Scene
    effort: Effort
    _stack: ExitStack = field(default_factory=ExitStack)
    _present: ThrowAway | None = None
    _at: int = -2
    """The commit after which it stands: -1 at the start, -2 where there is no copy."""
    _copy_seconds: float = 0.0
    _asking: float = 0.0

    def __enter__(self) -> Copies:
        for folder in clear(self.scene.beside):
            self.scene.tell(f"cleared {folder.name}, which a killed run had left")
        return self

    def __exit__(self, *_error: object) -> None:
        self._count_wal()
        self._stack.close()

    def look(self, index: int) -> bool | None:
        """The answer after a commit, -1 for the start; a copy is made where the present one is further on."""
        copy = self.at(index)
        begun = time.monotonic()
        answer = self.probe.ask(copy.cluster, first=index < 0)
        self._asking += time.monotonic() - begun
        self.effort.questions += 1
        self.scene.tell(f"question {self.effort.questions}: {_WORDS[answer]} after {self._words(index)}")
        return answer

    def at(self, index: int) -> ThrowAway:
        """A copy that stands after a commit."""
        copy = self._present
        if copy is None or self._at > index:
            copy = self._fresh()
        begun = time.monotonic()
        copy.advance(self.start if index < 0 else self.commits[index].end)
        self._asking += time.monotonic() - begun
        self._at = index
        return copy

    def position(self) -> int:
        """The commit after which the present copy stands."""
        return self._at

    def costs(self) -> Costs:
        """As measured so far; at most half of the copies of a bisection are made."""
        question = self._asking / max(1, self.effort.questions)
        return Costs(question, self._copy_seconds, max(1, bisection(len(self.commits)) // 2))

    def _fresh(self) -> ThrowAway:
        self._count_wal()
        self._stack.close()
        self._present, begun = None, time.monotonic()
        copy = self._stack.enter_context(throw_away(self.stretch.backup, self.stretch.chain, self.scene))
        self.effort.copied += copy.copied
        self.effort.copies += 1
        copy.advance(self.stretch.backup.stop_lsn)
        self._copy_seconds = time.monotonic() - begun
        self._present, self._at = copy, -2
        return copy

    def _count_wal(self) -> None:
        if self._present:
            self.effort.wal_copied += self._present.supply.copied

    def _words(self, index: int) -> str:
        return f"transaction {self.commits[index].xid}" if index >= 0 else "the start"


_WORDS = {True: "true", False: "false", None: "nobody can tell"}
