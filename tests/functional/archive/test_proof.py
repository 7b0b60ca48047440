"""prove() on real WAL: every kind of target, and every way in which a target cannot be reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.backups import Backups, list_backups
from archive.chain import chain_from
from archive.commits import last_commit, last_record
from archive.lsn import parse_lsn
from archive.proof import prove
from archive.segments import Segment
from archive.targets import Target
from archive.wal import Archive
from archive.waldump import verify_wal
from dbrestore.handler import Context
from dbrestore.postgres.copying import verify_backup
from problem import Problem
from tests.functional.archive.conftest import World
from toolchain import postgres
from toolchain.postgres import Binaries, find_binaries


def problem(world: World, target: Target, **options: object) -> Problem:
    with pytest.raises(Problem) as caught:
        world.prove(target, **options)  # type: ignore[arg-type]
    return caught.value


def just_after(moment: datetime) -> str:
    return (moment + timedelta(microseconds=1)).isoformat()


def flip(path: Path, position: int) -> None:
    """Change a byte in a new file of the same name: the old one is linked elsewhere."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.unlink()
    path.write_bytes(content)


# --- what can be reached -------------------------------------------------------------------------------


def test_a_time_is_reached_from_the_newest_backup_before_it(world: World) -> None:
    proof = world.prove(Target("time", just_after(world.rows[4].time)))
    assert proof.backup.name == "first"
    assert proof.expected is not None
    assert (proof.expected.time, proof.expected.committed) == (world.rows[4].time, True)
    assert str(proof.expected.xid) == world.rows[4].xid
    assert proof.needed[-1].name == world.steps["late"]


def test_a_time_that_is_a_commits_own_includes_it_or_not(world: World) -> None:
    moment = world.rows[4].time.isoformat()
    included, excluded = (world.prove(Target("time", moment, flag)).expected for flag in (True, False))
    assert included is not None
    assert excluded is not None
    assert (included.time, excluded.time) == (world.rows[4].time, world.rows[3].time)


def test_a_time_after_the_second_backup_starts_from_it(world: World) -> None:
    assert world.prove(Target("time", just_after(world.rows[6].time))).backup.name == "second"


def test_a_named_backup_is_taken_though_a_newer_one_would_do(world: World) -> None:
    proof = world.prove(Target("time", just_after(world.rows[6].time), backup="first"))
    assert (proof.backup.name, proof.needed[0].number) == ("first", proof.chain.segments[0].number)


def test_a_transaction_is_found_by_its_id(world: World) -> None:
    for number in (2, 3, 4):
        proof = world.prove(Target("xid", world.rows[number].xid))
        assert proof.expected is not None
        assert (str(proof.expected.xid), proof.expected.time) == (
            world.rows[number].xid,
            world.rows[number].time,
        )
    before = world.prove(Target("xid", world.rows[4].xid, inclusive=False)).expected
    assert before is not None
    assert str(before.xid) == world.rows[3].xid


def test_a_restore_point_is_found_by_its_name(world: World) -> None:
    proof = world.prove(Target("name", "before-accident"))
    assert proof.expected is not None
    assert str(proof.expected.xid) == world.rows[2].xid


def test_an_lsn_takes_the_commit_that_begins_there_or_after(world: World) -> None:
    included = world.prove(Target("lsn", world.rows[4].lsn)).expected
    excluded = world.prove(Target("lsn", world.rows[4].lsn, inclusive=False)).expected
    assert included is not None
    assert excluded is not None
    assert [str(one.xid) for one in (included, excluded)] == [world.rows[number].xid for number in (4, 3)]


def test_the_latest_state_is_the_last_archived_commit(world: World, binaries: Binaries) -> None:
    proof = world.prove(Target("latest"))
    assert proof.backup.name == "second"
    assert proof.expected == last_commit(proof.chain, proof.binaries)
    assert proof.expected is not None
    assert str(proof.expected.xid) == world.rows[7].xid
    assert proof.needed == proof.chain.segments
    end = last_record(proof.chain, binaries)
    assert end is not None
    assert proof.expected.lsn < end < proof.chain.end_lsn


def test_a_snapshot_needs_only_its_own_wal(broken: World) -> None:
    for step in ("early", "middle", "late", "after", "idle", "end"):
        (broken.wal / broken.steps[step]).unlink()
    proof = broken.prove(Target("snapshot", "first"))
    assert (proof.backup.name, proof.expected, len(proof.needed)) == ("first", None, 1)


def test_wal_that_lies_only_in_the_backup_serves_it(broken: World) -> None:
    first = broken.backups.usable[0]
    name = Segment(1, first.start_lsn // first.segment_size).name
    (broken.wal / name).rename(broken.base / "first/pg_wal" / name)
    assert broken.prove(Target("time", just_after(broken.rows[2].time))).backup.name == "first"


# --- what cannot ---------------------------------------------------------------------------------------


def test_a_segment_missing_in_the_middle_is_named_with_what_is_reachable(broken: World) -> None:
    (broken.wal / broken.steps["middle"]).unlink()
    found = problem(broken, Target("time", just_after(broken.rows[4].time)))
    assert found.name == "wal-missing"
    assert f"{broken.steps['middle']} in {broken.wal} is missing (never archived, or removed)" in found.what
    assert f"up to {broken.steps['end']}" in found.what
    reached = broken.rows[3].time
    assert f"reaches the commit of {reached:%Y-%m-%d %H:%M:%S.%f} UTC" in found.what
    assert "--lsn" in found.cure
    assert "taken after the gap: second" in found.cure


def test_what_lies_before_a_missing_segment_can_still_be_reached(broken: World) -> None:
    (broken.wal / broken.steps["middle"]).unlink()
    assert broken.prove(Target("name", "before-accident")).backup.name == "first"
    assert broken.prove(Target("time", just_after(broken.rows[6].time))).backup.name == "second"


def test_the_offered_lsn_can_be_restored(broken: World) -> None:
    (broken.wal / broken.steps["middle"]).unlink()
    cure = problem(broken, Target("time", just_after(broken.rows[4].time))).cure
    proof = broken.prove(Target("lsn", cure.partition("--lsn ")[2].partition(")")[0]))
    assert proof.expected is not None
    assert str(proof.expected.xid) == broken.rows[3].xid


@pytest.mark.parametrize("kind", ["xid", "name"])
def test_what_may_lie_in_a_gap_is_not_called_unknown(broken: World, kind: str) -> None:
    (broken.wal / broken.steps["early"]).unlink()
    value = {"xid": broken.rows[3].xid, "name": "before-accident"}[kind]
    assert problem(broken, Target(kind, value)).name == "wal-missing"  # type: ignore[arg-type]


def test_the_latest_state_does_not_stop_short_at_a_gap_in_silence(broken: World) -> None:
    (broken.wal / broken.steps["after"]).unlink()
    found = problem(broken, Target("latest"))
    assert (found.name, broken.steps["after"] in found.what) == ("wal-missing", True)


def test_a_truncated_segment_is_told_from_a_missing_one(broken: World) -> None:
    path = broken.wal / broken.steps["middle"]
    path.unlink()
    path.write_bytes(b"x" * 4096)
    found = problem(broken, Target("time", just_after(broken.rows[4].time)))
    assert found.name == "wal-missing"
    assert "cut short or damaged: 4,096 bytes instead of 16,777,216" in found.what
    assert "never archived" not in found.what


def test_a_segment_that_still_lies_in_the_source_is_pointed_out(world: World) -> None:
    newest = max(path.name for path in (world.data / "pg_wal").iterdir() if len(path.name) == 24)
    found = problem(world, Target("time", datetime.now(UTC).isoformat()), data=world.data)
    assert f"{found.what.partition(': ')[2].split()[0]} still lies in the source's pg_wal" in found.what
    assert world.steps["end"] < found.what.partition(": ")[2].split()[0] <= newest


def test_wal_that_is_not_archived_yet_is_another_error_than_lost_wal(world: World) -> None:
    found = problem(world, Target("time", just_after(world.rows[7].time)))
    assert found.name == "wal-not-archived-yet"
    assert "SELECT pg_switch_wal()" in found.cure
    assert f"reaches the commit of {world.rows[7].time:%Y-%m-%d %H:%M:%S.%f} UTC" in found.what


def test_an_lsn_beyond_the_last_record_is_not_archived_yet(world: World, binaries: Binaries) -> None:
    assert problem(world, Target("lsn", world.rows[8].lsn)).name == "wal-not-archived-yet"
    first = world.backups.usable[0]
    end = chain_from(first, Archive.scan(world.wal)).end_lsn
    assert problem(world, Target("lsn", f"0/{end - 1:X}")).name == "wal-not-archived-yet"


def test_a_time_to_come_is_refused(world: World) -> None:
    now = datetime(2025, 12, 3, 14, 0, tzinfo=UTC)
    found = problem(world, Target("time", "2025-12-03T15:30:00Z"), now=now)
    assert found.name == "target-in-future"
    assert "1:30:00 ahead" in found.what


def test_a_time_before_the_first_backup_gets_the_earliest_reachable(world: World) -> None:
    found = problem(world, Target("time", (world.rows[1].time - timedelta(microseconds=1)).isoformat()))
    assert found.name == "target-before-backup"
    assert f"{world.rows[1].time:%Y-%m-%d %H:%M:%S.%f} UTC" in found.what
    assert "--snapshot first" in found.cure


def test_the_earliest_reachable_time_can_be_reached(world: World) -> None:
    assert world.prove(Target("time", world.rows[1].time.isoformat())).backup.name == "first"


def test_without_wal_before_the_backup_a_time_within_its_second_is_refused(broken: World) -> None:
    first = broken.backups.usable[0]
    for path in broken.wal.iterdir():
        if path.name < Segment(1, first.start_lsn // first.segment_size).name:
            path.unlink()
    found = problem(broken, Target("time", first.started_at.isoformat()))
    assert (found.name, "first" in found.what) == ("target-before-backup", True)


@pytest.mark.parametrize("kind", ["lsn", "xid"])
def test_positions_before_the_first_backup_are_refused(world: World, kind: str) -> None:
    value = {"lsn": world.rows[1].lsn, "xid": world.rows[1].xid}[kind]
    expected = {"lsn": "target-before-backup", "xid": "target-not-found"}[kind]
    assert problem(world, Target(kind, value)).name == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("target", [Target("xid", "4000000000"), Target("name", "no-such-point")])
def test_an_unknown_target_is_not_found_in_the_wal_that_exists(world: World, target: Target) -> None:
    found = problem(world, target)
    assert found.name == "target-not-found"
    assert f"from base backup first to {world.steps['end']}" in found.what


def test_an_aborted_transaction_is_a_target_that_keeps_nothing_of_itself(world: World) -> None:
    aborted = str(int(world.rows[3].xid) + 1)
    proof = world.prove(Target("xid", aborted))
    assert proof.expected is not None
    assert str(proof.expected.xid) == world.rows[3].xid


def test_a_backup_that_is_not_there_gets_the_list_of_those_that_are(world: World) -> None:
    found = problem(world, Target("snapshot", "third"))
    assert found.name == "no-backup"
    assert "There: first, second" in found.what


def test_an_empty_folder_says_how_to_make_a_backup(world: World, tmp_path: Path, binaries: Binaries) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(Problem, match="half has no backup_manifest") as caught:
        prove(list_backups(tmp_path), world.wal, Target("latest"), binaries, datetime.now(UTC))
    assert "pg_basebackup" in caught.value.cure


def test_programs_of_another_version_are_not_used_where_there_are_fitting_ones(
    world: World, binaries: Binaries
) -> None:
    other = Binaries(Path("/nowhere"), f"{binaries.major + 1}.0", "path")
    proof = prove(world.backups, world.wal, Target("latest"), other, datetime.now(UTC))
    assert proof.backup.name == "second"


def test_a_backup_of_a_version_that_is_not_on_this_machine_says_so(
    world: World, binaries: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "installations", list)
    other = Binaries(binaries.directory, f"{binaries.major + 1}.0", "path")
    with pytest.raises(Problem) as caught:
        prove(world.backups, world.wal, Target("latest"), other, datetime.now(UTC))
    assert caught.value.name == "postgres-version-mismatch"


# --- damage --------------------------------------------------------------------------------------------


def test_a_file_missing_from_the_backup_is_named(broken: World) -> None:
    (broken.base / "first/global/pg_filenode.map").unlink()
    found = problem(broken, Target("snapshot", "first"))
    assert found.name == "backup-damaged"
    assert "global/pg_filenode.map is missing" in found.what


def test_a_damaged_newest_backup_is_passed_over_with_a_note(broken: World) -> None:
    (broken.base / "second/global/pg_filenode.map").unlink()
    proof = broken.prove(Target("time", just_after(broken.rows[6].time)))
    assert proof.backup.name == "first"
    assert "base backup second" in proof.notes[0]


def test_a_backup_whose_tool_found_a_flaw_is_taken_last_and_told(world: World) -> None:
    flawed = Backups("", tuple(replace(one, flaw="bad pages") for one in world.backups.usable[1:]))
    whole = Backups("", (world.backups.usable[0], *flawed.usable))
    target = Target("time", just_after(world.rows[6].time))
    passed = prove(whole, world.wal, target, find_binaries(), datetime.now(UTC))
    assert passed.backup.name == "first"
    assert passed.notes == ("The base backup second was passed over: bad pages.",)
    assert prove(
        whole, world.wal, Target("snapshot", "second"), find_binaries(), datetime.now(UTC)
    ).notes == ("The base backup second is damaged as the original was: bad pages.",)
    alone = prove(flawed, world.wal, target, find_binaries(), datetime.now(UTC))
    assert alone.backup.name == "second"
    assert len(alone.notes) == 1


def test_a_target_is_found_though_the_backup_before_it_is_damaged(broken: World) -> None:
    (broken.base / "second/global/pg_filenode.map").unlink()
    proof = broken.prove(Target("xid", broken.rows[7].xid))
    assert proof.backup.name == "first"
    assert proof.expected is not None
    assert proof.expected.time == broken.rows[7].time


def test_a_flipped_byte_in_the_backup_is_found_by_its_checksum(broken: World) -> None:
    backup = broken.backups.usable[0]
    verify_backup(backup, Context("urn"))
    flip(broken.base / "first/global/pg_filenode.map", 100)
    with pytest.raises(Problem, match=r"pg_filenode\.map") as caught:
        verify_backup(backup, Context("urn"))
    assert caught.value.name == "backup-damaged"


@pytest.mark.parametrize("step", ["middle", "end"])
def test_a_flipped_byte_inside_a_segment_is_found_by_reading_it(
    broken: World, binaries: Binaries, step: str
) -> None:
    chain = chain_from(broken.backups.usable[0], Archive.scan(broken.wal))
    verify_wal(chain, chain.segments, binaries)
    row = broken.rows[{"middle": 4, "end": 7}[step]]
    flip(broken.wal / broken.steps[step], parse_lsn(row.lsn) % (16 * 1024 * 1024) + 26)
    with pytest.raises(Problem) as caught:
        verify_wal(chain, chain.segments, binaries)
    assert caught.value.name == "wal-damaged"
    assert broken.steps[step] in caught.value.what


def test_an_unfinished_last_segment_saved_from_the_source_is_read_to_its_end(broken: World) -> None:
    name = Segment.parse(broken.steps["end"])
    rescued = Segment(name.timeline, name.number + 1).name
    (broken.wal / rescued).write_bytes((broken.data / "pg_wal" / rescued).read_bytes())
    proof = broken.prove(Target("latest"))
    assert proof.expected is not None
    assert str(proof.expected.xid) == broken.rows[8].xid


def test_wal_that_is_unreadable_for_another_reason_is_not_called_the_end(
    broken: World, tmp_path: Path
) -> None:
    tool = tmp_path / "pg_waldump"
    tool.write_text("#!/bin/sh\necho pg_waldump: error: out of memory >&2\nexit 1\n")
    tool.chmod(0o755)
    stranger = Binaries(tmp_path, f"{broken.backups.usable[0].version_major}.0", "path")
    with pytest.raises(Problem, match="out of memory") as caught:
        prove(broken.backups, broken.wal, Target("latest"), stranger, datetime.now(UTC))
    assert caught.value.name == "wal-unreadable"
