"""A specimen at its target: filled, backed up, changed, looked at, and then damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.foreign.agreement import Place, Seen, seen
from tests.foreign.cluster import Foreign
from tests.foreign.features import extensions
from tests.foreign.installation import private_copy
from tests.foreign.specimens import SPECIMENS, Specimen
from tests.support.ground import folder, run, scratch
from toolchain.postgres import Binaries, find_binaries

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::{}"
DUMP_FORMATS = ("custom", "directory", "tar", "plain")


@dataclass
class Ground:
    """``seen`` is the source at ``time``; everything after that is damage."""

    specimen: Specimen
    server: Foreign
    seen: Seen
    time: str
    place: Path
    notes: list[str] = field(default_factory=list)

    @property
    def dump(self) -> Path:
        return self.place / "dumps"

    def look(self, place: Place) -> Seen:
        """A restored server, by the programs of the source."""
        return seen(self.server.binaries, place)

    def inputs(self, name: str, kind: str, value: str | None = None, **more: Any) -> Any:
        """Inputs of an Instance; ``backups`` may name another folder of base backups."""
        source = {
            "database": self.server.made.database,
            "user": self.server.made.superuser,
            "archive": self.server.archive,
            "backups": more.pop("backups", self.place / "base"),
        }
        declared = {
            "name": name,
            "directory": self.place / "restores" / name,
            "source": source,
            "until": {"kind": kind, "value": value},
            "operators": ["127.0.0.1/32"],
        }
        return Instance.inputs.model_validate(declared | more)

    @contextmanager
    def restored(
        self, name: str, kind: str, value: str | None = None, **more: Any
    ) -> Iterator[dict[str, Any]]:
        """The state of a restore; it is examined first, and removed afterwards with all that is its own."""
        handler, context = Instance(), Context(URN.format(name), note=self.notes.append)
        inputs = self.inputs(name, kind, value, **more)
        handler.examine(context, inputs)
        identity, state = handler.create(context, inputs)
        try:
            yield state
        finally:
            handler.delete(context, identity, state)
        assert not list((self.place / "restores").glob("*")), "something of the restore is left"


def binaries(major: int) -> Binaries:
    """Programs of a major version; the test is skipped, with the reason, where there are none."""
    try:
        return find_binaries(major)
    except Problem as problem:
        pytest.skip(problem.what)


@contextmanager
def built(name: str) -> Iterator[Foreign]:
    """A specimen's server with nothing in it yet. Nothing of it is left afterwards."""
    specimen = SPECIMENS[name]
    programs = binaries(specimen.major)
    with scratch("reforge-foreign-") as place:
        if extensions in specimen.features:
            programs = private_copy(programs, place / "programs")
        with Foreign(place, programs, specimen.made) as server:
            yield server


@contextmanager
def ground(name: str) -> Iterator[Ground]:
    """A specimen at its target and after its damage."""
    with built(name) as server:
        yield _at_target(SPECIMENS[name], server, server.place)


def _at_target(specimen: Specimen, server: Foreign, place: Path) -> Ground:
    for feature in specimen.features:
        feature.before(server)
    server.backup("monday", *_plain(server))
    server.backup("monday", "--format=tar", "--gzip", "-X", "none", into="tarred")
    for feature in specimen.features:
        feature.after(server)
    time = datetime.now(UTC).isoformat()
    found = seen(server.binaries, Place(server.port, server.made.superuser))
    for form in DUMP_FORMATS:
        _dump(server, folder(place / "dumps") / form, form)
    server.sql("CREATE TABLE after_the_target (id int)")
    server.sql("DROP SCHEMA public CASCADE")
    server.switch_wal()
    return Ground(specimen, server, found, time, place)


def _plain(server: Foreign) -> list[str]:
    """A plain backup may not put tablespaces where the original's lie: they are moved aside."""
    rows = server.execute("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname !~ '^pg_'")
    moved = {Path(location): server.place / "base-disks" / Path(location).name for (location,) in rows}
    return [f"--tablespace-mapping={old}={folder(new)}" for old, new in moved.items()] + ["-X", "none"]


def _dump(server: Foreign, path: Path, form: str) -> None:
    command = [
        server.tool("pg_dump"),
        "-d",
        server.url(server.made.database),
        f"--format={form}",
        "-f",
        str(path),
    ]
    run([*command, "--create"])
