"""What a restore starts from, as the matrix sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rehearsal.site import Site
from tests.support.small_site import Project

EVERY = ("preview", "pause", "restore", "validate", "cutover", "resume", "rollback", "teardown")
READING = ("preview", "restore")
"""The stages that read backups, WAL and dumps; behind them one such source is as good as another."""


@dataclass(frozen=True)
class Source:
    """What a restore is made from."""

    name: str
    what: str
    stages: tuple[str, ...] = READING

    def asked(self, target: str, stores: Path) -> list[str]:
        """What is typed after ``restore NAME``; ``target`` is the moment before the accident."""
        return ["--time", target]

    def accepting(self, name: str) -> list[str]:
        """How a restore of it comes to be let near the application."""
        return ["validate", name]

    def backups(self, site: Site, stores: Path) -> Path:
        """The folder of base backups."""
        return site.record.backups

    def archive(self, site: Site, stores: Path) -> Path:
        return site.record.archive

    def dump(self, stores: Path) -> Path:
        """The file or folder of a dump."""
        return stores / self.name / "app.dump"

    def store(self, site: Site, stores: Path) -> None:
        """Take its backup or dump, before the accident."""

    def store_wal(self, site: Site, stores: Path) -> None:
        """Take what the plain archive holds, after the accident."""

    def declare(self, project: Project, stores: Path) -> None:
        """Have the config name this source, and apply that."""

    def data(self, project: Project, name: str) -> Path:
        """The data directory that a restore of that name has, or would have."""
        return project.restores / name

    def port(self, site: Site) -> int:
        """Of a server that is not made by us; 0 where we make one."""
        return 0

    def clear(self, site: Site) -> None:
        """End and remove what ``declare`` has made."""
