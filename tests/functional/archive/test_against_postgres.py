"""PostgreSQL is the judge: it recovers to what was proven, and its rows are compared with the proof."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archive.control import read_control
from archive.proof import Proof
from archive.targets import Target
from problem import Problem
from tests.functional.archive.conftest import World, insert
from tests.support.servers import Postgres, account, scratch, wait_until
from toolchain.postgres import Binaries


def recovery_settings(proof: Proof, wal: Path) -> list[str]:
    target = proof.target
    wanted = {
        "restore_command": f'cp "{wal}/%f" "%p"',
        "recovery_target_timeline": str(proof.chain.timeline),
        "recovery_target_action": "promote",
    }
    if target.kind == "snapshot":
        wanted["recovery_target"] = "immediate"
    elif target.kind != "latest":
        wanted[f"recovery_target_{target.kind}"] = target.setting()
        wanted["recovery_target_inclusive"] = "on" if target.inclusive else "off"
    return [f"{name} = '{value}'" for name, value in wanted.items()]


@contextmanager
def recovered(proof: Proof, wal: Path, folder: Path, archiving: bool = False) -> Iterator[Postgres]:
    """A server recovered to the proof's target, promoted; it archives into ``wal`` only if asked to."""
    server = Postgres(folder, archive=wal if archiving else None)
    shutil.copytree(str(proof.backup.folder), server.data)
    ours = {"archive_mode": "off", **server.settings}
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in ours.items()]
    with (server.data / "postgresql.auto.conf").open("a") as conf:
        conf.write("\n".join([*lines, *recovery_settings(proof, wal), ""]))
    (server.data / "recovery.signal").touch()
    if (who := account()) is not None:
        for path in (server.data, *server.data.rglob("*")):
            shutil.chown(path, who.uid, who.gid)
    with server:
        wait_until(lambda: server.execute("SELECT NOT pg_is_in_recovery()")[0][0], what="promotion")
        yield server


def rows(server: Postgres) -> list[int]:
    return [number for (number,) in server.execute("SELECT i FROM t ORDER BY i")]


def targets(world: World) -> dict[str, tuple[Target, list[int]]]:
    """Each with the rows that PostgreSQL has to restore."""
    after = timedelta(microseconds=1)
    return {
        "time": (Target("time", (world.rows[3].time + after).isoformat()), [1, 2, 3]),
        "exact time": (Target("time", world.rows[4].time.isoformat()), [1, 2, 3, 4]),
        "earliest time": (Target("time", world.rows[1].time.isoformat()), [1]),
        "lsn": (Target("lsn", world.rows[4].lsn), [1, 2, 3, 4]),
        "lsn exclusive": (Target("lsn", world.rows[4].lsn, inclusive=False), [1, 2, 3]),
        "prepared xid": (Target("xid", world.rows[3].xid), [1, 2, 3]),
        "xid exclusive": (Target("xid", world.rows[4].xid, inclusive=False), [1, 2, 3]),
        "name": (Target("name", "before-accident"), [1, 2]),
        "latest": (Target("latest"), [1, 2, 3, 4, 5, 6, 7]),
        "snapshot": (Target("snapshot", "second"), [1, 2, 3, 4, 5]),
    }


@pytest.mark.parametrize(
    "which",
    [
        "time",
        "exact time",
        "earliest time",
        "lsn",
        "lsn exclusive",
        "prepared xid",
        "xid exclusive",
        "name",
        "latest",
        "snapshot",
    ],
)
def test_postgresql_restores_exactly_what_was_proven(world: World, which: str) -> None:
    target, expected = targets(world)[which]
    proof = world.prove(target)
    with scratch() as folder, recovered(proof, world.wal, folder / "restored") as server:
        assert rows(server) == expected
    last = world.rows[expected[-1]]
    # It expects no commit where none followed the backup: then the backup itself holds the last row.
    if proof.expected is None:
        assert last.time < proof.backup.started_at + timedelta(seconds=1)
    else:
        assert (str(proof.expected.xid), proof.expected.time) == (last.xid, last.time)


def test_a_second_timeline_is_followed_from_the_backup_of_the_first(broken: World) -> None:
    fork = broken.prove(Target("xid", broken.rows[4].xid))
    with recovered(fork, broken.wal, broken.folder / "promoted", archiving=True) as server:
        row = insert(server, 41)
        moment: datetime = server.execute("SELECT clock_timestamp()")[0][0]
        name = server.switch_wal()
        insert(server, 42)
        server.switch_wal()
        assert name.startswith("00000002")
    proof = broken.prove(Target("time", moment.isoformat()))
    assert (proof.backup.name, proof.chain.timeline) == ("first", 2)
    assert {segment.timeline for segment in proof.needed} == {1, 2}
    found = broken.prove(Target("xid", row.xid)).expected
    assert found is not None
    assert found.time == row.time
    with recovered(proof, broken.wal, broken.folder / "again") as again:
        assert rows(again) == [1, 2, 3, 4, 41]


def test_a_backup_taken_after_the_fork_stays_on_its_own_timeline(broken: World) -> None:
    """PostgreSQL's own "latest" would pick the stranger and give up."""
    fork = broken.prove(Target("xid", broken.rows[4].xid))
    with recovered(fork, broken.wal, broken.folder / "promoted", archiving=True) as server:
        server.switch_wal()
    proof = broken.prove(Target("snapshot", "second"))
    assert proof.chain.timeline == 1
    with recovered(proof, broken.wal, broken.folder / "again") as again:
        assert rows(again) == [1, 2, 3, 4, 5]


def test_the_control_file_tells_what_recovery_needs_at_least(world: World, binaries: Binaries) -> None:
    backup = world.backups.usable[0]
    control = read_control(Path(str(backup.folder)), binaries)
    assert (control.system_identifier, control.segment_size) == (
        backup.system_identifier,
        backup.segment_size,
    )
    assert control.timeline == backup.timeline
    assert control.minimums["max_connections"] == 40
    assert control.minimums["max_prepared_transactions"] == 5


def test_a_folder_without_a_control_file_is_named(tmp_path: Path, binaries: Binaries) -> None:
    with pytest.raises(Problem, match=str(tmp_path)) as caught:
        read_control(tmp_path, binaries)
    assert caught.value.name == "control-file-unreadable"
