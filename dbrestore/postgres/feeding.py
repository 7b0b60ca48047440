"""Fetches WAL ahead of replay, for archives that PostgreSQL cannot link to: compressed, or elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from archive.proof import Proof
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.spool import Spool
from problem import Problem

FETCHERS = 2
_AHEAD_BYTES = 256 * 1024 * 1024
_TICK, _BEAT = 0.01, 1.0
"""Seconds between two looks at what PostgreSQL took and wants, and between two heartbeats."""
_TRIES = 2


class Feeder:
    """Keeps the spool stocked while it is entered; ``problem`` is what recovery asked for in vain, and why.

    PostgreSQL asks for any file at any time: the same twice, an earlier one, a history that nobody has. So
    what is fetched next follows from its last request, and nothing is taken for done.
    """

    def __init__(self, spool: Spool, proof: Proof) -> None:
        chain = proof.chain
        # One more than what is needed: the last record may run on.
        ahead = chain.segments[: len(proof.needed) + 1]
        self.spool, self.archive, self.size = spool, chain.archive, proof.backup.segment_size
        self.order = tuple(segment.name for segment in ahead if segment in chain.archive)
        self.needed = frozenset(segment.name for segment in proof.needed)
        self.problem: Problem | None = None
        self.neglected = False
        """Whether an earlier run's server waited long for us before this was entered."""
        self._place = {name: index for index, name in enumerate(self.order)}
        self._next = 0
        """Index in ``order`` of the segment that PostgreSQL needs next, as far as we know."""
        self._lying = set[str]()
        """What was ready when we looked last: what is missing since was taken."""
        self._fetching = set[str]()
        self._fetched = deque[str]()
        self._flaws: dict[str, list[Problem]] = {}
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(FETCHERS, "fetch-wal")
        self._thread = threading.Thread(target=self._tend, name="feed-wal", daemon=True)

    def __enter__(self) -> Self:
        self.neglected = self.spool.silent
        self._lying = self.spool.open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def _tend(self) -> None:
        beaten = 0.0
        try:
            while not self._stop.wait(_TICK):
                if time.monotonic() - beaten > _BEAT:
                    self.spool.beat()
                    beaten = time.monotonic()
                self._see_what_was_taken()
                for name in self.spool.claim():
                    self._answer(name)
                self._stock()
        except OSError as error:
            self.problem = _spool_problem(self.spool, error)

    def _see_what_was_taken(self) -> None:
        while self._fetched:
            name = self._fetched.popleft()
            self._fetching.discard(name)
            self._lying.add(name)
        ready = self.spool.ready()
        for name in self._lying - ready - self._flaws.keys():
            self._next = max(self._next, self._place.get(name, -1) + 1)
        self._lying = ready

    def _answer(self, name: str) -> None:
        """A request for a file that does not lie ready."""
        if name not in self.archive.files:
            self.spool.tell_absent(name)
        elif len(self._flaws.get(name, ())) >= _TRIES:
            self._give_up(name, self._flaws[name][-1])
        elif name not in self._lying:
            self._next = self._place.get(name, self._next)
            self._fetch(name)

    def _give_up(self, name: str, problem: Problem) -> None:
        self.problem = problem
        if name in self.needed:
            self.spool.tell_failed(problem.what)
        else:  # PostgreSQL looks ahead (recovery_prefetch) and may reach its target without this one
            self.spool.tell_absent(name)

    def _stock(self) -> None:
        ahead = max(2, min(16, _AHEAD_BYTES // self.size))
        for name in self.order[self._next : self._next + ahead]:
            if len(self._fetching) < FETCHERS and name not in self._lying and name not in self._flaws:
                self._fetch(name)

    def _fetch(self, name: str) -> None:
        if name not in self._fetching:
            self._fetching.add(name)
            self._pool.submit(self._bring, name)

    def _bring(self, name: str) -> None:
        size = self.size if len(name) == 24 else None  # a history has any size
        try:
            self.spool.place(name, lambda part: self.archive.fetch(name, part, size))
            self._flaws.pop(name, None)
        except Problem as problem:
            self._flaws.setdefault(name, []).append(problem)
        except Exception as error:  # whatever it is, PostgreSQL waits for an answer
            self._flaws.setdefault(name, []).append(_spool_problem(self.spool, error))
        finally:
            self._fetched.append(name)


def feeder(cluster: Cluster, proof: Proof) -> Feeder:
    """What feeds the recovery that was proven."""
    return Feeder(Spool(cluster.directory, cluster.account), proof)


def _spool_problem(spool: Spool, error: Exception) -> Problem:
    return Problem(
        "wal-spool-failed",
        f"WAL cannot be brought to {spool.folder}: {error}",
        "Make room on that file system or choose another folder, then run the same command again.",
    )
