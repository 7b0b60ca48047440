"""The latest state is that of the moment in which the restore began: the original goes on archiving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context
from dbrestore.postgres import physical
from dbrestore.postgres.instance import Instance
from tests.support.basebackups import URN, Cluster
from tests.support.servers import Postgres, folder, scratch, wait_until
from tests.support.standby import Standby
from tests.support.wal_archives import put


@dataclass
class Living:
    """A cluster that goes on; the archive that a restore sees is its own, or a compressed copy."""

    cluster: Cluster
    suffix: str
    thousands: int = 1
    archive: Path = field(init=False)

    def __post_init__(self) -> None:
        self.archive = folder(self.cluster.place / "packed") if self.suffix else self.cluster.place / "wal"

    def go_on(self) -> None:
        """A thousand rows more, archived."""
        self.thousands += 1
        self.cluster.add(self.thousands)
        segment = self.cluster.server.switch_wal()
        if self.suffix:
            put(self.cluster.place / "wal" / segment, self.archive, self.suffix)

    def inputs(self) -> Any:
        return self.cluster.inputs("late", source={"archive": self.archive})


@pytest.fixture(params=["", ".zst"])
def living(request: pytest.FixtureRequest) -> Iterator[Living]:
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        found = Living(Cluster(server, place), request.param)
        found.cluster.back_up("monday", "-X", "none")
        found.go_on()
        found.go_on()
        for file in (place / "wal").iterdir() if request.param else ():
            put(file, found.archive, request.param)
        yield found


def count(inputs: Any, state: dict[str, Any]) -> int:
    with psycopg.connect(
        host=str(inputs.directory), port=state["boundPort"], user="postgres", dbname="postgres"
    ) as connection:
        return int(connection.execute("SELECT count(*) FROM here").fetchall()[0][0])


def once_copied(act: Callable[[], None]) -> Callable[[str], None]:
    """A listener to the progress that acts when the base backup lies there."""
    return lambda line: act() if line.startswith("copied") else None


def test_what_is_archived_meanwhile_is_not_part_of_it(living: Living) -> None:
    inputs = living.inputs()
    context = Context(URN.format("late"), once_copied(living.go_on))
    _identity, state = Instance().create(context, inputs)
    assert (living.thousands, count(inputs, state)) == (4, 3000)
    Instance().delete(context, str(inputs.directory), state)


def test_a_restore_that_goes_on_ends_where_it_was_to_end(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, context = living.inputs(), Context(URN.format("late"))
    with monkeypatch.context() as patched:
        patched.setattr(physical, "recover", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Instance().create(context, inputs)
    living.go_on()
    _identity, state = Instance().create(context, inputs)
    assert (living.thousands, count(inputs, state)) == (4, 3000)
    Instance().delete(context, str(inputs.directory), state)


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_what_the_old_primary_wrote_after_a_failover_is_not_part_of_it(suffix: str) -> None:
    """The new timeline's first segment is not full yet; its number is there of the old one's."""
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as old:
        old.execute("CREATE TABLE here (i int)")
        old.base_backup("monday", place / "base")
        old.execute("INSERT INTO here VALUES (1)")
        old.switch_wal()
        command = {"archive_mode": "on", "archive_command": old.settings["archive_command"]}
        with Standby(place / "standby", old.url(), settings=command) as new:
            new.catch_up()
            new.execute("SELECT pg_promote()")
            wait_until((place / "wal" / "00000002.history").exists, what="the new timeline in the archive")
            new.stop(signal=3)
        for number in (2, 3):
            old.execute(f"INSERT INTO here VALUES ({number})")
            old.switch_wal()
        archive = folder(place / "packed") if suffix else place / "wal"
        for file in (place / "wal").iterdir() if suffix else ():
            put(file, archive, suffix)
        source = {"database": "postgres", "user": "postgres", "archive": archive, "backups": place / "base"}
        said = {"name": "late", "directory": place / "restores/late", "until": {"kind": "latest"}}
        inputs = Instance.inputs.model_validate({**said, "source": source, "operators": ["127.0.0.1/32"]})
        _identity, state = Instance().create(Context(URN.format("late")), inputs)
        assert count(inputs, state) == 1
        Instance().delete(Context(URN.format("late")), str(inputs.directory), state)


def interrupted(*_given: Any) -> None:
    raise KeyboardInterrupt
