"""A project of Reforge's on a small StarForge, for end-to-end tests: by our command line or a bare pulumi.

``Ground`` makes the site and runs ``reforge init`` once; each test takes a copy of that project, with
an engine's state of its own, and leaves the site as it found it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xmlrpc.client import ServerProxy

import psycopg

from rehearsal.accident import Accident
from rehearsal.driver import Driver
from rehearsal.enrol import enrol
from rehearsal.processes import postmasters
from rehearsal.site import Site
from tests.support.servers import UnixTransport, scratch, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
STACK = "Pulumi.local.yaml"
_FOREIGN = ("PULUMI_", "REFORGE_", "PYTEST_")


@dataclass(frozen=True)
class Ended:
    """How a program ended, and all it said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Project:
    """One project with a stack ``local`` on a site."""

    folder: Path
    site: Site

    @property
    def config(self) -> Path:
        return self.folder / STACK

    @property
    def restores(self) -> Path:
        """Where restored instances go."""
        return self.site.record.restores

    def edit(self, old: str, new: str) -> None:
        """Edit the stack's file as a person does in an editor."""
        text = self.config.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in:\n{text}"
        self.config.write_text(text.replace(old, new))

    def reforge(self, *words: str, expect: int | None = 0, **secrets: str) -> Ended:
        """Run ``reforge --json WORDS`` in the project's folder."""
        return _run(self.command(*words), self.folder, self.environment | secrets, expect)

    def start(self, *words: str, apart: bool = False) -> subprocess.Popen[str]:
        """Start ``reforge --json WORDS`` as the leader of a process group, as a shell does.

        ``apart``: its words for people do not come among its document.
        """
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if apart else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "cli", "--json", *words]

    def pulumi(self, *words: str, expect: int | None = 0) -> Ended:
        """Run the engine by its own command, in the environment that ``reforge shellenv`` gives."""
        command = ["pulumi", *words, "--stack", "local", "--non-interactive", "--color", "never"]
        return _run(command, self.folder, self.shell, expect)

    @cached_property
    def environment(self) -> dict[str, str]:
        """A user's environment, with nothing in it of other stacks."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return kept | {"PYTHONPATH": str(REPOSITORY)}

    @cached_property
    def shell(self) -> dict[str, str]:
        """The environment of somebody who typed ``eval "$(reforge shellenv)"``."""
        printed = self.reforge("shellenv").document["environment"]
        pairs = (shlex.split(line)[1].split("=", 1) for line in printed)
        return self.environment | {name: value for name, value in pairs}

    @property
    def status(self) -> dict[str, Any]:
        return self.reforge("status").document

    def served_port(self) -> int:
        """The port of the server that pgbouncer leads to."""
        with psycopg.connect(self.site.record.pooled_url, autocommit=True, prepare_threshold=None) as pooled:
            row = pooled.execute("SELECT inet_server_port()").fetchone()
        return int(row[0]) if row else 0

    def workers(self) -> int:
        """ETL workers that run."""
        answers = self.site.record.supervisor_url.removeprefix("unix://")
        with ServerProxy("http://localhost", UnixTransport(Path(answers))) as proxy:
            found: Any = proxy.supervisor.getAllProcessInfo()
        return sum(one["group"] == "etl" and one["statename"] == "RUNNING" for one in found)

    def port_of(self, name: str) -> int:
        """The port of a restore."""
        return urlsplit(self.reforge("env", name).document["url"]).port or 0

    def paused(self) -> bool:
        """Whether pgbouncer holds the application's clients."""
        with psycopg.connect(
            self.site.record.admin_url, autocommit=True, prepare_threshold=None
        ) as connection:
            cursor = psycopg.ClientCursor(connection, row_factory=psycopg.rows.dict_row)
            rows = cursor.execute("SHOW DATABASES").fetchall()
        return any(str(row["paused"]) == "1" for row in rows)

    def processes(self) -> dict[int, str]:
        """Command lines of living processes that work for this project or for a restore of the site."""
        ours = {pid: line for pid in _pids() if (line := _belongs(pid, self.folder))}
        return ours | {pid: "postmaster" for pid in postmasters(self.restores)}

    def locks(self) -> list[Path]:
        """Locks that an engine holds or left."""
        return [path for path in (self.folder / ".reforge/state").rglob("locks/**/*.json") if path.is_file()]

    def left(self) -> dict[str, Any]:
        """What is there that is not there before an incident; empty where all is clean."""
        halves = [p.name for p in (self.folder / ".reforge").iterdir() if p.name.startswith("proposal")]
        found = {
            "processes": self.processes(),
            "locks": self.locks(),
            "restores": sorted(path.name for path in self.restores.iterdir()),
            "half-written": [*halves, *(path.name for path in self.folder.glob("*.new"))],
            "pooler": sorted(path.name for path in self.site.record.pooler.glob("*.ini?*")),
            "paused": self.paused(),
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Ground:
    """A site after the accident, with a base backup before it, and a project that knows it."""

    home: Path
    site: Site
    accident: Accident

    @property
    def target(self) -> str:
        """The moment before the accident."""
        return self.accident.time.isoformat().replace("+00:00", "Z")

    @property
    def template(self) -> Path:
        return self.home / "template"

    def init(self, folder: Path) -> Project:
        """``reforge init --yes`` in a folder."""
        folder.mkdir(exist_ok=True)
        enrol(self.site, Driver(folder, lambda _line: None))
        return Project(folder, self.site)

    @contextmanager
    def project(self, name: str) -> Iterator[Project]:
        """A fresh copy of the initialised project. Afterwards nothing of it may be left."""
        folder = self.home / name
        shutil.copytree(self.template, folder)
        project = Project(folder, self.site)
        yield project
        wait_until(lambda: not project.left(), 15, f"the end of {project.left()}")
        shutil.rmtree(folder)


@contextmanager
def small_site() -> Iterator[Ground]:
    """StarForge, a base backup, the accident, and all its WAL in the archive."""
    with scratch("reforge-e2e-") as home, Site.create(home) as site:
        site.base_backup("monday")
        accident = site.accident()
        site.switch_wal()
        ground = Ground(home, site, accident)
        ground.init(ground.template)
        yield ground


def _run(command: list[str], folder: Path, environment: dict[str, str], expect: int | None) -> Ended:
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    ended = Ended(ran.returncode, ran.stdout, ran.stderr)
    assert expect is None or ended.code == expect, f"{shlex.join(command)} gave {ended.code}:\n{ended.text}"
    return ended


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _belongs(pid: int, folder: Path) -> str:
    """The command line of a process that was started for a project, else nothing."""
    try:
        block = Path(f"/proc/{pid}/environ").read_bytes()
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    named = f"={folder}/.reforge/passphrase".encode() in block
    return line.replace(b"\0", b" ").decode().strip() if named else ""
