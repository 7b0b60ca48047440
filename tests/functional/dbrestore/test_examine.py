"""What a preview of a new instance already refuses, on real backups and a real archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
from dbrestore.postgres.mark import new_mark
from problem import Problem
from tests.support.servers import Postgres, folder, free_port, scratch

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::r"


@dataclass
class Original:
    """A base backup with the WAL after it; ``port`` is one that is taken."""

    place: Path
    port: int

    def examine(self, kind: str = "latest", value: str | None = None, **more: Any) -> None:
        """What check asks of a new instance; nothing may be there afterwards that was not before."""
        before = listing(self.place)
        source = {"database": "d", "user": "u", "archive": self.place / "wal", "backups": self.place / "base"}
        until = {"kind": kind, "value": value}
        declared = {"name": "r", "directory": self.place / "restores" / "r", "source": source, "until": until}
        inputs = Instance.inputs.model_validate(declared | {"operators": ["127.0.0.1/32"]} | more)
        try:
            Instance().examine(Context(URN), inputs)
        finally:
            assert listing(self.place) == before


def listing(place: Path) -> dict[str, tuple[int, int]]:
    """Every file of the backups, the archive and the restores, with its size and time."""
    found = [path for part in ("base", "wal", "restores") for path in (place / part).rglob("*")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        server.execute("CREATE TABLE steps (id int)")
        server.base_backup("monday", place / "base")
        for step in (1, 2):
            server.execute(f"INSERT INTO steps VALUES ({step})")
            server.switch_wal()
        yield Original(place, server.port)


def test_what_can_be_reached_is_not_refused(original: Original) -> None:
    original.examine("latest", port=free_port())
    original.examine("snapshot", "monday")


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("snapshot", "tuesday", "no-backup"),
        ("time", "2000-01-01T00:00:00Z", "target-before-backup"),
        ("time", "2100-01-01T00:00:00Z", "target-in-future"),
        ("name", "never-made", "target-not-found"),
        ("lsn", "FF/0", "wal-not-archived-yet"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_anything_is_made(
    original: Original, kind: str, value: str, name: str
) -> None:
    with pytest.raises(Problem) as caught:
        original.examine(kind, value)
    assert caught.value.name == name


def test_a_missing_segment_is_refused(original: Original) -> None:
    segment = sorted(path for path in (original.place / "wal").iterdir() if len(path.name) == 24)[-2]
    segment.rename(original.place / "aside")
    try:
        with pytest.raises(Problem, match=segment.name):
            original.examine()
    finally:
        (original.place / "aside").rename(segment)


def test_a_taken_port_is_refused(original: Original) -> None:
    with pytest.raises(Problem, match=f"Port {original.port} on 127.0.0.1 is taken"):
        original.examine(port=original.port)


def test_a_folder_of_somebody_else_is_refused(original: Original) -> None:
    theirs = folder(original.place / "theirs")
    (theirs / "precious").touch()
    with pytest.raises(Problem, match="was not made by Reforge"):
        original.examine(directory=theirs)


def test_work_of_ours_that_is_under_way_is_not_examined_again(original: Original) -> None:
    ours = folder(original.place / "ours")
    new_mark(URN, ours, "latest").write()
    original.examine("time", "2000-01-01T00:00:00Z", directory=ours)
