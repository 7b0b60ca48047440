"""A standby of the site's original as a source: where it lies, how it is made, what the config says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rehearsal.site import Site
from tests.faults.instances import remove, run_as_server, start, stop
from tests.faults.source import Source
from tests.support.ground import folder, free_port
from tests.support.small_site import Project

REPLICA = "standby-1"


@dataclass(frozen=True)
class Standby(Source):
    """Promoted at the cut-over. It archives nowhere, so that nothing of it comes among the original's WAL."""

    def asked(self, target: str, stores: Path) -> list[str]:
        return ["--replica", REPLICA]

    def accepting(self, name: str) -> list[str]:
        """Its data is as the accident left it, so that it does not pass."""
        return ["validate", name, "--waive", "it has what the original has"]

    def data(self, project: Project, name: str) -> Path:
        return place(project.site)

    def port(self, site: Site) -> int:
        """What it listens on; 0 where it is not there."""
        settings = place(site) / "postgresql.auto.conf"
        found = (
            re.findall(r"^port = '?(\d+)", settings.read_text(), re.MULTILINE) if settings.exists() else []
        )
        return int(found[-1]) if found else 0

    def declare(self, project: Project, stores: Path) -> None:
        site = project.site
        self._copy(site)
        start(site, place(site))
        url = site.record.superuser_url.replace(f":{site.record.postgres_port}/", f":{self.port(site)}/")
        keep(project, f"source.replicas.{REPLICA}.url", url)
        keep(project, "source.admin-url", site.record.superuser_url)
        project.reforge("preview")
        project.reforge("apply")

    def clear(self, site: Site) -> None:
        data = place(site)
        if (data / "postmaster.pid").exists():
            stop(site, data, "immediate")
        remove(data.parent)

    def _copy(self, site: Site) -> None:
        data, record = place(site), site.record
        folder(data.parent)
        command = [str(site.binaries.tool("pg_basebackup")), "-D", str(data), "-R", "-X", "stream"]
        run_as_server([*command, "-c", "fast", "-d", record.superuser_url])
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"port = {free_port()}\narchive_mode = off\nunix_socket_directories = ''\n")
            settings.write(f"restore_command = 'cp {record.archive}/%f %p'\n")


def keep(project: Project, path: str, secret: str) -> None:
    """A secret into the config, as an operator sets it."""
    project.pulumi("config", "set", "--secret", "--path", f"reforge:{path}", secret)


def place(site: Site) -> Path:
    """The standby's data directory."""
    return site.record.folder / "standby" / "data"
