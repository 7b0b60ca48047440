"""Where a rehearsal's site is: its folder, ports and passwords, recorded before anything is made.

The record, ``site.json`` in the rehearsal's home, is the claim on that home: it names the process
that owns the site, so that a later run can tell a rehearsal under way from one that was killed.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from problem import Problem, Refusal
from toolchain.ports import free_ports

DATABASE = ROLE = "starforge"
_FILE = "site.json"


@dataclass(frozen=True)
class Record:
    """What is fixed when a site is made; everything else follows from it."""

    home: Path
    folder: Path
    owner: tuple[int, str]
    """Pid of the rehearsal and its start time as the kernel counts it."""
    postgres_port: int
    pgbouncer_port: int
    api_port: int
    password: str
    """Of the application's role."""
    superuser_password: str
    console_password: str
    """Of pgbouncer's admin console."""

    @property
    def data(self) -> Path:
        return self.folder / "postgres" / "data"

    @property
    def archive(self) -> Path:
        return self.folder / "wal"

    @property
    def backups(self) -> Path:
        return self.folder / "base"

    @property
    def restores(self) -> Path:
        return self.folder / "restores"

    @property
    def pooler(self) -> Path:
        return self.folder / "pgbouncer"

    @property
    def app(self) -> Path:
        """The application's settings, logs and supervisor."""
        return self.folder / "app"

    @property
    def source_url(self) -> str:
        """The application's DATABASE_URL on the original."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def pooled_url(self) -> str:
        """The same through pgbouncer."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.pgbouncer_port}/{DATABASE}"

    @property
    def superuser_url(self) -> str:
        return f"postgresql://postgres:{self.superuser_password}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def admin_url(self) -> str:
        """pgbouncer's admin console."""
        return f"postgresql://console:{self.console_password}@127.0.0.1:{self.pgbouncer_port}/pgbouncer"

    @property
    def supervisor_url(self) -> str:
        return f"unix://{self.app}/supervisor.sock"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def owned(self) -> bool:
        """Whether the rehearsal that made it still runs."""
        return _started(self.owner[0]) == self.owner[1]

    @classmethod
    def new(cls, home: Path, folder: Path) -> Self:
        """A record with free ports and new passwords, owned by this process."""
        owner = os.getpid(), _started(os.getpid())
        postgres, pgbouncer, api = free_ports(3)
        passwords = (secrets.token_urlsafe(18) for _ in range(3))
        return cls(home, folder, owner, postgres, pgbouncer, api, *passwords)

    def claim(self) -> None:
        """Write the record, readable by us alone; Refusal ``rehearsal-running`` where one is there."""
        self.home.mkdir(parents=True, exist_ok=True)
        values = json.dumps(asdict(self), default=str, indent=2)
        try:
            handle = os.open(self.home / _FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise running(self.home) from None
        with open(handle, "w") as file:
            file.write(values)

    def release(self) -> None:
        """Remove the record."""
        (self.home / _FILE).unlink(missing_ok=True)


def read(home: Path) -> Record | None:
    """The record in this home, if there is one; Problem ``site-unreadable`` where it is spoiled."""
    file = home / _FILE
    try:
        values: dict[str, Any] = json.loads(file.read_text())
        paths = {name: Path(values[name]) for name in ("home", "folder")}
        return Record(**{**values, **paths, "owner": tuple(values["owner"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        what = f"The record {file} of an earlier rehearsal cannot be read: {error!r}"
        raise Problem("site-unreadable", what, f"Stop what it names, if anything, and: rm {file}") from None


def running(home: Path) -> Refusal:
    """Another rehearsal uses this home."""
    return Refusal("rehearsal-running", f"A rehearsal is running in {home}.", "Wait for its end, or stop it.")


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot (proc(5), stat, field 22); "" where none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""
