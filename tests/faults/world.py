"""The site as a test can put it: its servers, its workers, and the files that stages change."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import psycopg

from rehearsal.processes import Mark, launch, marked
from rehearsal.record import DATABASE
from rehearsal.site import Site
from tests.support.ground import accepts, wait_until
from tests.support.servers import UnixTransport
from toolchain.accounts import server_account
from toolchain.pgbouncer import find_pgbouncer

DEADLINE = 60.0


@dataclass(frozen=True)
class World:
    """The site as a test can put it: its servers, and the files that stages change."""

    site: Site

    @property
    def changing(self) -> tuple[Path, ...]:
        """What stages change on the site."""
        record = self.site.record
        return (
            record.pooler / "pgbouncer.ini",
            record.pooler / "userlist.txt",
            record.app / "etl.env",
            record.app / "flags.env",
        )

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.changing}

    def put(self, kept: dict[Path, bytes], working: bool) -> None:
        """Put files and workers as they were; whoever was killed is started again."""
        self.revive()
        for path, content in kept.items():
            if path.read_bytes() != content:
                path.write_bytes(content)
        self.console("RELOAD")
        self.console(f"RESUME {DATABASE}", quiet=True)
        self.work(working)

    def console(self, command: str, quiet: bool = False) -> None:
        with psycopg.connect(
            self.site.record.admin_url, autocommit=True, prepare_threshold=None
        ) as connection:
            cursor = psycopg.ClientCursor(connection)
            with suppress(*([psycopg.Error] if quiet else [])):
                cursor.execute(command.encode())

    def work(self, wanted: bool) -> None:
        """Start or stop the ETL workers."""
        state = "RUNNING" if wanted else "STOPPED"
        answers = self.site.record.supervisor_url.removeprefix("unix://")
        with ServerProxy("http://localhost", UnixTransport(Path(answers))) as proxy:
            change: Any = proxy.supervisor.startProcess if wanted else proxy.supervisor.stopProcess
            for name, now in _workers(proxy).items():
                if now != state:
                    change(name, False)
            wait_until(lambda: set(_workers(proxy).values()) == {state}, DEADLINE, f"workers {state}")

    def revive(self) -> None:
        """Start the original and pgbouncer where they do not run."""
        record = self.site.record
        postgres = [str(self.site.binaries.tool("postgres")), "-D", str(record.data)]
        pooler = [str(find_pgbouncer()), str(record.pooler / "pgbouncer.ini")]
        self._run("postgres", postgres, record.data.parent / "log", record.superuser_url)
        self._run("pgbouncer", pooler, record.pooler / "log", record.admin_url)

    def _run(self, role: str, command: list[str], log: Path, url: str) -> None:
        """Until it answers. A new postmaster ends while backends of a killed one are still there."""

        def answering() -> bool:
            self.site._reap()
            if not marked(self.site.record.folder, [role]):
                process = launch(Mark(self.site.record.folder, role), command, log, server_account())
                self.site._children.append(process)
            return accepts(url)

        wait_until(answering, DEADLINE, f"{role} answering")

    def signal_pooler(self) -> None:
        """Have pgbouncer read its files again without its console: SIGHUP."""
        for pid in marked(self.site.record.folder, ["pgbouncer"]):
            os.kill(pid, signal.SIGHUP)
        wait_until(lambda: accepts(self.site.record.admin_url), DEADLINE, "pgbouncer's console")

    def kill(self, role: str) -> None:
        """SIGKILL to a server of the site, and wait until it is gone."""
        first = self.postmaster if role == "postgres" else marked(self.site.record.folder, [role])[0]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: self._gone(role), DEADLINE, f"the end of {role}")

    @property
    def postmaster(self) -> int:
        """Process id of the original's."""
        return int((self.site.record.data / "postmaster.pid").read_text().split()[0])

    def _gone(self, role: str) -> bool:
        self.site._reap()
        return not marked(self.site.record.folder, [role])


def _workers(proxy: ServerProxy) -> dict[str, str]:
    """The ETL workers' states by their full names."""
    known: Any = proxy.supervisor.getAllProcessInfo()
    return {f"etl:{one['name']}": str(one["statename"]) for one in known if one["group"] == "etl"}
