"""One cell as it is played: a project at a stage, the command typed, and what is looked at."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.site import NAME, FaultSite
from tests.faults.sources import SOURCES
from tests.faults.stages import Stage
from tests.support.small_site import Ended, Project

LOOKS = ("preview", "sources", "status")
"""Commands that status names where something has to be seen first; they change nothing."""


@dataclass
class Scene:
    """What faults and the test work with."""

    site: FaultSite
    project: Project
    stage: Stage
    source: str
    words: list[str] = field(default_factory=list)
    """What is typed; a fault of the words themselves replaces them, and its mend puts them right."""
    last: Ended | None = None

    @classmethod
    @contextmanager
    def of(cls, site: FaultSite, stage: Stage, source: str) -> Iterator[Scene]:
        with site.at(source, stage.position) as project:
            yield cls(site, project, stage, source, stage.words(site.asked(source)))

    def type(self, *words: str, **secrets: str) -> Ended:
        """Type the stage's command, or other words."""
        self.last = self.project.reforge(*(words or self.words), expect=None, **secrets)
        return self.last

    @property
    def archive(self) -> Path:
        return SOURCES[self.source].archive(self.site.site, self.site.stores)

    @property
    def backup(self) -> Path:
        return SOURCES[self.source].backups(self.site.site, self.site.stores) / "monday"

    @property
    def dump(self) -> Path:
        return SOURCES[self.source].dump(self.site.stores)

    @property
    def instance(self) -> Path:
        """Where the restore lies, or would."""
        return self.project.restores / NAME

    @property
    def journal(self) -> Path:
        return self.project.folder / ".reforge/journal/local.jsonl"

    def mark(self) -> dict[str, Any]:
        """What the plugin has noted of the restore; empty where there is nothing yet."""
        try:
            found: dict[str, Any] = json.loads((self.instance / "reforge-instance.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    @property
    def port(self) -> int:
        """Of the server that the stages are about; 0 where there is none."""
        return SOURCES[self.source].port(self.site.site) or int(self.mark().get("port") or 0)

    @property
    def foreign(self) -> bool:
        """Whether that server is not made by us, so that it stays when the restore goes."""
        return bool(SOURCES[self.source].port(self.site.site))

    @property
    def looked(self) -> bool:
        """Whether the last command was a preview that came to its end."""
        last = self.last
        return last is not None and last.code == 0 and last.document.get("state") == "dry-run"

    @property
    def restored(self) -> bool:
        """Whether the restore is there, whole."""
        if self.foreign:
            return NAME in self.project.status["restores"] and self.rows() == 0
        return self.mark().get("phase") == "ready" and self.rows() > 0

    def superuser(self, port: int = 0) -> psycopg.Connection[Any]:
        """A session of the superuser, whose password is the same on the original and on a restore."""
        url, mine = self.site.site.record.superuser_url, self.site.site.record.postgres_port
        return psycopg.connect(url.replace(f":{mine}/", f":{port or mine}/"), autocommit=True)

    def rows(self) -> int:
        """Rows of the restore's table that the accident emptied, as the application sees them."""
        record = self.site.site.record
        url = record.source_url.replace(f":{record.postgres_port}/", f":{self.port}/")
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM user_troops").fetchone()
        return int(row[0]) if row else 0

    def left(self) -> list[object]:
        """What is there besides an idle project: the restores that run, and then whatever does not belong."""
        found = self.project.left()
        servers = [line for line in found.pop("processes", {}).values() if line == "postmaster"]
        restores = found.pop("restores", [])
        alien = [line for line in self.project.processes().values() if line != "postmaster"]
        return [*restores, *alien, *found.items(), *([] if len(servers) == len(restores) else ["a server"])]

    def original(self) -> tuple[Any, Any]:
        """All that may never change: the original, its backups and its archive."""
        return self.site.fingerprint(), self.site.stored()

    def follow(self, expected: str) -> None:
        """Type what status prints until the stage is done; after what only looks, the stage's own words."""
        following = expected
        for _ in range(4):
            words = shlex.split(following) or self.words
            self.type(*words)
            assert self.last, words
            assert self.last.code == 0, self.last.text
            if words[0] in LOOKS and not self.stage.done(self):
                self.type()
                assert self.last.code == 0, self.last.text
            if self.stage.done(self):
                return
            following = self.project.status["next"]
        raise AssertionError(f"{self.stage.name} is not done: {self.project.status}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return bool(port) and probe.connect_ex(("127.0.0.1", port)) == 0
