"""What a restore starts from: the sources of the matrix, each by its backups and its archive."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal import servers as site_servers
from rehearsal.site import Site
from tests.support.ground import folder
from tests.support.small_site import Project


@dataclass(frozen=True)
class Source:
    """One way in which backups and WAL lie there. Empty words: as the plain source's."""

    name: str
    what: str
    backup_options: tuple[str, ...] = ()
    """Of pg_basebackup; none: the plain source's backup."""
    compress: tuple[str, ...] = ()
    """A program that compresses a segment from stdin to stdout, and its suffix last."""

    def backups(self, site: Site, stores: Path) -> Path:
        return stores / self.name / "base" if self.backup_options else site.record.backups

    def archive(self, site: Site, stores: Path) -> Path:
        return stores / self.name / "wal" if self.compress else site.record.archive

    def store_wal(self, site: Site, stores: Path) -> None:
        """Compress what the plain archive holds."""
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
        """Have the config name this source, and apply that."""
        record = project.site.record
        project.edit(f"backups: {record.backups}\n", f"backups: {self.backups(project.site, stores)}\n")
        project.edit(f"archive: {record.archive}\n", f"archive: {self.archive(project.site, stores)}\n")
        project.reforge("preview")
        project.reforge("apply")


def take_backups(site: Site, stores: Path) -> None:
    """A base backup ``monday`` of every source that has its own."""
    site.base_backup("monday")
    folder(stores)
    for source in SOURCES.values():
        if source.backup_options:
            place = folder(folder(stores / source.name) / "base")
            url = f"postgresql://postgres@127.0.0.1:{site.record.postgres_port}/"
            tool = str(site.binaries.tool("pg_basebackup"))
            command = [tool, "-D", str(place / "monday"), "-d", url, "-X", "none", "-c", "fast"]
            site_servers.run([*command, *source.backup_options], site.record.superuser_password)
        elif source.compress:
            folder(stores / source.name)


SOURCES = {
    source.name: source
    for source in (
        Source("plain", "a plain base backup, plain WAL"),
        Source("tar-gz", "a base backup in compressed tar files, plain WAL", ("-Ft", "-z")),
        Source("wal-gz", "a plain base backup, WAL compressed with gzip", compress=("gzip", "-c", ".gz")),
    )
}
