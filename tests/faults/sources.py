"""The sources of the matrix: base backups with their WAL, dumps, a standby."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal import servers as site_servers
from rehearsal.site import Site
from tests.faults.source import EVERY, Source
from tests.faults.standby import Standby
from tests.support.ground import folder, run
from tests.support.small_site import Project


@dataclass(frozen=True)
class Backups(Source):
    """A base backup and an archive. Empty words: as the plain source's."""

    backup_options: tuple[str, ...] = ()
    """Of pg_basebackup; none: the plain source's backup."""
    compress: tuple[str, ...] = ()
    """A program that compresses a segment from stdin to stdout, and its suffix last."""

    def backups(self, site: Site, stores: Path) -> Path:
        return stores / self.name / "base" if self.backup_options else site.record.backups

    def archive(self, site: Site, stores: Path) -> Path:
        return stores / self.name / "wal" if self.compress else site.record.archive

    def store(self, site: Site, stores: Path) -> None:
        if not self.backup_options:
            return
        place = folder(self.backups(site, stores))
        url = f"postgresql://postgres@127.0.0.1:{site.record.postgres_port}/"
        tool = str(site.binaries.tool("pg_basebackup"))
        command = [tool, "-D", str(place / "monday"), "-d", url, "-X", "none", "-c", "fast"]
        site_servers.run([*command, *self.backup_options], site.record.superuser_password)

    def store_wal(self, site: Site, stores: Path) -> None:
        if not self.compress:
            return
        *command, suffix = self.compress
        place = folder(self.archive(site, stores))
        for file in sorted(site.record.archive.iterdir()):
            target = place / (file.name + suffix if len(file.name) == 24 else file.name)
            if len(file.name) != 24:
                shutil.copy2(file, target)
                continue
            with file.open("rb") as content, target.open("wb") as out:
                subprocess.run(command, stdin=content, stdout=out, check=True)
            shutil.chown(target, file.owner(), file.group())

    def declare(self, project: Project, stores: Path) -> None:
        record = project.site.record
        project.edit(f"backups: {record.backups}\n", f"backups: {self.backups(project.site, stores)}\n")
        project.edit(f"archive: {record.archive}\n", f"archive: {self.archive(project.site, stores)}\n")
        project.reforge("preview")
        project.reforge("apply")


@dataclass(frozen=True)
class Dump(Source):
    """A dump of before the accident."""

    format: str = "-Fc"

    def asked(self, target: str, stores: Path) -> list[str]:
        return ["--dump", str(self.dump(stores))]

    def store(self, site: Site, stores: Path) -> None:
        command = [str(site.binaries.tool("pg_dump")), self.format, "-f", str(self.dump(stores))]
        run([*command, "-d", site.record.superuser_url])


def take_backups(site: Site, stores: Path) -> None:
    """What every source has of before the accident, in a folder of its own; a backup is called ``monday``."""
    site.base_backup("monday")
    folder(stores)
    for source in SOURCES.values():
        folder(stores / source.name)
        source.store(site, stores)


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Backups("plain", "a plain base backup, plain WAL", EVERY),
        Backups("tar-gz", "a base backup in compressed tar files, plain WAL", backup_options=("-Ft", "-z")),
        Backups("wal-gz", "a plain base backup, WAL compressed with gzip", compress=("gzip", "-c", ".gz")),
        Dump("dump", "a dump in custom format"),
        Dump("dump-folder", "a dump in directory format", format="-Fd"),
        Dump("dump-sql", "a dump in plain SQL", format="-Fp"),
        Standby("replica", "a standby of the original", EVERY),
    )
}
