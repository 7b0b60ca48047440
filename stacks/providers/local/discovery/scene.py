"""Everything that finders look at: the server's own words, this machine, and what follows from both."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from stacks.providers.local.discovery.clues import Clues
from stacks.providers.local.discovery.commands import Archiving, parse, parse_script
from stacks.providers.local.discovery.machine import Machine, Process, system_identifier, text_of

_URL = re.compile(r"postgres(?:ql)?://[^\s\"'`<>]+")
_LOCAL = {"localhost", "127.0.0.1", "::1", ""}


@dataclass
class Scene:
    """What is known before a finder looks; nothing here asks the server again."""

    clues: Clues
    machine: Machine
    consoles: Sequence[str] = ()
    """Admin consoles of pgbouncers that somebody gave, as URLs with their passwords."""

    @cached_property
    def archiving(self) -> Archiving:
        """What archive_command or archive_library does; of a script, what it says inside."""
        library = self.clues.settings.get("archive_library", "")
        if library == "basic_archive":
            return Archiving("folder", self.clues.settings.get("basic_archive.archive_directory", ""))
        found = parse(self.clues.settings.get("archive_command", ""))
        return self._inside(found)

    @cached_property
    def restoring(self) -> Archiving:
        """What restore_command does: a standby has one where the archive is the same."""
        return self._inside(parse(self.clues.settings.get("restore_command", "")))

    def _inside(self, found: Archiving) -> Archiving:
        text = text_of(Path(found.place)) if found.kind == "script" else None
        inside = parse_script(text, found) if text else found
        return found if inside.kind == "unknown" else inside

    @cached_property
    def data_directory(self) -> Path | None:
        """The cluster's own, where it is on this machine and we may look into it."""
        said = self.clues.settings.get("data_directory")
        candidates = [Path(said)] if said else [folder for _, folder in self.postmasters]
        return next((folder for folder in candidates if self.is_ours(folder)), None)

    @property
    def unreadable_data_directory(self) -> Path | None:
        """What the server of this machine names as its own, where its files are not for us to read."""
        said = self.clues.settings.get("data_directory")
        there = bool(said) and os.path.isdir(said or "") and system_identifier(Path(said or "")) is None
        return Path(said or "") if there and self.is_local else None

    @cached_property
    def postmasters(self) -> list[tuple[Process, Path]]:
        """Running PostgreSQL servers of this machine, with their data directories by command line."""
        found = []
        for process in self.processes:
            words = process.arguments
            if process.program in ("postgres", "postmaster") and ":" not in words[0]:
                given = [after for flag, after in pairwise(words) if flag == "-D"]
                folder = process.resolve(given[0]) if given else process.folder
                if folder:
                    found.append((process, folder))
        return found

    @cached_property
    def processes(self) -> list[Process]:
        return list(self.machine.processes())

    def is_ours(self, folder: Path) -> bool:
        """Whether a folder is this very server's, by identifier and port: standbys share the identifier."""
        there, wanted = system_identifier(folder), self.clues.system_identifier
        if there is None or there != (wanted or there):
            return False
        lines = (text_of(folder / "postmaster.pid") or "").splitlines()
        listens = len(lines) > 3 and lines[3].strip() == self.clues.settings.get("port", str(self.clues.port))
        return listens and (wanted is not None or self.is_local)

    @property
    def is_local(self) -> bool:
        return (
            self.clues.host in _LOCAL or self.clues.host.startswith("/") or self.clues.host == os.uname()[1]
        )

    def leads_here(self, host: str | None, port: str | None) -> bool:
        """Whether an address in somebody's file is this server's."""
        same_port = int(port or 5432) == self.clues.port if str(port or 5432).isdigit() else False
        same_host = (host or "") in _LOCAL or (host or "").startswith("/")
        return same_port and (same_host if self.is_local else host == self.clues.host)

    def mentions(self, text: str, ports: set[int]) -> bool:
        """Whether a text has a connection URL of this database, or settings that lead to it."""
        names = {self.clues.database}
        for url in _URL.findall(text):
            parts = urlsplit(url)
            try:
                if (parts.port or 5432) in ports and parts.path.lstrip("/") in names:
                    return True
            except ValueError:
                continue
        return any(re.search(rf"\b(?:PGPORT|port)\W{{1,3}}{port}\b", text) for port in ports)


def keys_of(text: str, scene: Scene, ports: set[int]) -> list[str]:
    """The variables of a dotenv text whose values lead to this database."""
    lines = (line.strip().removeprefix("export ") for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return [
        name.strip()
        for name, equals, value in pairs
        if equals and _URL.search(value) and scene.mentions(value, ports)
    ]
