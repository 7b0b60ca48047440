"""Commands of ours that are killed half way, at a moment that is held."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.servers import wait_until
from tests.support.small_site import Ended, Project

DEADLINE = 60.0
PROCESSES = {"engine": "pulumi up", "preview": "pulumi preview", "plugin": "dbrestore.server"}


@dataclass
class Run:
    """A command of ours at work, and what it consists of."""

    project: Project
    command: subprocess.Popen[str]

    def pid(self, which: str) -> int:
        """The process that plays a part; waits for it."""
        if which == "command":
            return self.command.pid
        words, ended = PROCESSES[which], self.command.poll() is not None

        def found() -> int:
            assert ended or self.command.poll() is None, self.command.communicate()
            alive = self.project.processes().items()
            return next((pid for pid, line in alive if words in line and "rescue" not in line), 0)

        return int(wait_until(found, DEADLINE, f"a process {words!r}"))

    def kill(self, which: str) -> None:
        """SIGKILL to one part, or to ``all`` of them but for servers."""
        if which == "all":
            self.kill_all()
        else:
            os.kill(self.pid(which), signal.SIGKILL)

    def kill_all(self) -> None:
        """As whatever ends a whole session of a login does."""
        self.command.kill()
        for pid, line in self.project.processes().items():
            if line != "postmaster" and "rescue" not in line:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Its exit code and all it said."""
        said, _ = self.command.communicate(timeout=DEADLINE * 2)
        return self.command.returncode, said

    def ended(self) -> Ended:
        """The same of a command whose two outputs are apart; nothing of it is at work any more."""
        out, err = self.command.communicate(timeout=DEADLINE * 2)
        settled(self.project)
        return Ended(self.command.returncode, out, err or "")

    @contextmanager
    def held(self, at: Callable[[], Any], what: str) -> Iterator[None]:
        """The plugin stopped as soon as ``at`` is true; it goes on afterwards, if it is still there."""
        plugin = self.pid("plugin")
        wait_until(lambda: at() or self.command.poll() is not None, DEADLINE, what)
        assert self.command.poll() is None, self.command.communicate()
        os.kill(plugin, signal.SIGSTOP)
        try:
            yield
        finally:
            if _lives(plugin):
                os.kill(plugin, signal.SIGCONT)


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextmanager
def started(project: Project, *words: str, apart: bool = False) -> Iterator[Run]:
    """Run a command of ours; its own processes are ended where the test fails."""
    with project.start(*words, apart=apart) as process:
        run = Run(project, process)
        try:
            yield run
        except BaseException:
            for pid in project.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    os.kill(pid, signal.SIGKILL)
            raise


def settled(project: Project) -> None:
    """Wait until nothing of a killed run is at work any more but servers."""
    wait_until(
        lambda: not [line for line in project.processes().values() if line != "postmaster"],
        DEADLINE,
        f"the end of {project.processes()}",
    )


@contextmanager
def held_transaction(project: Project) -> Iterator[None]:
    """A transaction through pgbouncer that keeps PAUSE waiting."""
    with psycopg.connect(project.site.record.pooled_url, prepare_threshold=None) as connection:
        connection.execute("SELECT 1")
        yield
        connection.rollback()
