"""WAL fetched ahead: what PostgreSQL gets when it asks by the real ``bring`` script, in any order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archive.segments import Segment
from archive.stores.folder import FolderStore
from archive.wal import Archive
from dbrestore.postgres.feeding import Feeder
from dbrestore.postgres.spool import COMMAND, NAME, Spool
from problem import Problem
from tests.support.ground import wait_until
from tests.support.wal_archives import compress
from tests.unit.archive.made_up import SIZE, archive_of

SEGMENTS = tuple(Segment(1, number, SIZE) for number in range(2, 32))


class Counting(Archive):
    """Remembers what was fetched."""

    fetched: list[str]

    def fetch(self, name: str, target: Path, size: int | None = None) -> None:
        self.fetched.append(name)
        super().fetch(name, target, size)


@pytest.fixture
def archive(tmp_path: Path) -> Counting:
    plain = archive_of(tmp_path / "plain", *(segment.number for segment in SEGMENTS))
    (plain / "00000002.history").write_text("1\t0/400100\tno recovery target specified\n")
    found = Counting.scan(FolderStore(compress(plain, tmp_path / "wal", ".zst", ".gz", "")))
    object.__setattr__(found, "fetched", [])
    assert isinstance(found, Counting)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory, in which PostgreSQL runs its restore_command."""
    (tmp_path / "data" / "pg_wal").mkdir(parents=True)
    return tmp_path / "data"


def feeder(archive: Archive, data: Path, needed: int = 29) -> Feeder:
    chain = SimpleNamespace(segments=SEGMENTS, archive=archive)
    proof: Any = SimpleNamespace(
        chain=chain, needed=SEGMENTS[:needed], backup=SimpleNamespace(segment_size=SIZE)
    )
    return Feeder(Spool(data, None), proof)


@pytest.fixture
def fed(archive: Counting, data: Path) -> Iterator[Feeder]:
    with feeder(archive, data) as feeding:
        yield feeding


def ask(data: Path, name: str) -> tuple[int, str]:
    """What PostgreSQL would: the exit status of the command, and what it said."""
    command = COMMAND.replace("%f", name).replace("%p", "pg_wal/RECOVERYXLOG")
    ran = subprocess.run(
        ["sh", "-c", command], cwd=data, capture_output=True, text=True, timeout=60, check=False
    )
    return ran.returncode, ran.stderr


def take(data: Path, name: str) -> bytes:
    status, said = ask(data, name)
    assert (status, said) == (0, "")
    path = data / "pg_wal/RECOVERYXLOG"
    content = path.read_bytes()
    path.unlink()
    return content


def first_pages(tmp_path: Path, segment: Segment) -> bytes:
    return (tmp_path / "plain" / segment.name).read_bytes()


def test_every_segment_comes_unpacked_and_each_is_fetched_once(
    fed: Feeder, archive: Counting, data: Path, tmp_path: Path
) -> None:
    for segment in SEGMENTS:
        assert take(data, segment.name) == first_pages(tmp_path, segment)
    assert sorted(archive.fetched) == sorted(segment.name for segment in SEGMENTS)


def test_the_same_segment_again_an_earlier_one_and_a_later_one_are_given(
    fed: Feeder, data: Path, tmp_path: Path
) -> None:
    for index in (0, 0, 5, 5, 1, 20, 2):
        assert take(data, SEGMENTS[index].name) == first_pages(tmp_path, SEGMENTS[index])


def test_no_more_is_fetched_ahead_than_the_spool_may_hold(fed: Feeder, archive: Counting, data: Path) -> None:
    take(data, SEGMENTS[3].name)
    wait_until(lambda: len(fed.spool.ready()) >= 16, what="a full spool")
    take(data, SEGMENTS[4].name)
    wait_until(lambda: SEGMENTS[20].name in fed.spool.ready(), what="one more being fetched")
    assert SEGMENTS[25].name not in archive.fetched


def test_a_history_is_given_and_what_is_nowhere_is_told_at_once(fed: Feeder, data: Path) -> None:
    assert b"no recovery target" in take(data, "00000002.history")
    assert ask(data, "00000003.history") == (1, "")
    assert ask(data, Segment(2, 5, SIZE).name)[0] == 1
    assert ask(data, "00000003.history") == (1, ""), "and again"


def test_damage_that_recovery_needs_ends_it_with_the_reason(archive: Counting, data: Path) -> None:
    victim = archive.store.path(archive.files[SEGMENTS[1].name])
    assert victim is not None
    victim.write_bytes(victim.read_bytes()[:-10])
    with feeder(archive, data) as feeding:
        take(data, SEGMENTS[0].name)
        status, said = ask(data, SEGMENTS[1].name)
        assert (status, str(victim) in said) == (200, True)
    assert feeding.problem is not None
    assert feeding.problem.name == "wal-damaged"
    with feeder(archive, data) as again:
        take(data, SEGMENTS[0].name)
    assert again.problem is None, "a next run begins without the old one's answer"


def test_damage_behind_the_target_is_as_if_it_were_not_there(archive: Counting, data: Path) -> None:
    victim = archive.store.path(archive.files[SEGMENTS[2].name])
    assert victim is not None
    victim.write_bytes(b"")
    with feeder(archive, data, needed=2):
        take(data, SEGMENTS[1].name)
        assert ask(data, SEGMENTS[2].name)[0] == 1


def test_a_full_disk_ends_recovery_with_its_reason(
    archive: Counting, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_words: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Counting, "fetch", full)
    with feeder(archive, data) as feeding:
        status, said = ask(data, SEGMENTS[0].name)
    assert (status, "No space left on device" in said) == (200, True)
    assert isinstance(feeding.problem, Problem)
    assert feeding.problem.name == "wal-spool-failed"


def test_what_lies_ready_is_given_after_a_kill_and_the_rest_by_the_next_run(
    archive: Counting, data: Path, tmp_path: Path
) -> None:
    with feeder(archive, data) as feeding:
        take(data, SEGMENTS[0].name)
        wait_until(lambda: len(feeding.spool.ready()) == 16, what="a full spool")
    assert take(data, SEGMENTS[1].name) == first_pages(tmp_path, SEGMENTS[1]), "nobody fetches now"
    archive.fetched.clear()
    with feeder(archive, data):
        assert take(data, SEGMENTS[2].name) == first_pages(tmp_path, SEGMENTS[2])
        assert SEGMENTS[2].name not in archive.fetched


def test_the_command_gives_up_when_nobody_fetches_any_more(archive: Counting, data: Path) -> None:
    with feeder(archive, data):
        pass
    bring = data / NAME / "bring"
    bring.write_text(bring.read_text().replace("patience=600", "patience=3"))
    (data / NAME / "ready" / SEGMENTS[20].name).unlink(missing_ok=True)
    status, said = ask(data, SEGMENTS[20].name)
    assert (status, "no longer fetches WAL" in said) == (200, True)


def test_the_command_ends_with_the_server_that_ran_it(archive: Counting, data: Path) -> None:
    """An orphan that waits on would take the segment away from its successor."""
    with feeder(archive, data):
        pass
    command = f"['sh', '{NAME}/bring', 'X', 'pg_wal/Y'], stdout=-3, stderr=-3"  # -3 is DEVNULL
    # It has to be at work before its server ends: else it takes whoever adopts it for its server.
    script = (
        f"import pathlib, subprocess; print(subprocess.Popen({command}).pid)\n"
        f"while not pathlib.Path('{NAME}/want/X').exists(): pass"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=data, capture_output=True, text=True, timeout=60, check=True
    )
    wait_until(lambda: not Path(f"/proc/{ran.stdout.strip()}").exists(), what="its end")


def test_a_request_that_cannot_be_written_stops_recovery_instead_of_ending_it(data: Path) -> None:
    Spool(data, None).open()
    (data / NAME / "want").rmdir()
    status, _said = ask(data, SEGMENTS[0].name)
    assert status == 200  # 1 to 125 would be the end of the archive


def test_a_file_that_cannot_be_moved_in_stops_recovery(data: Path) -> None:
    Spool(data, None).open()
    (data / NAME / "ready" / SEGMENTS[0].name).touch()
    (data / "pg_wal").rmdir()
    status, said = ask(data, SEGMENTS[0].name)
    assert (status, "pg_wal/RECOVERYXLOG" in said) == (200, True)


def test_an_opened_spool_has_its_folders_all_the_time(data: Path) -> None:
    """A server of a killed run asks meanwhile, and its script must find them."""
    spool = Spool(data, None)
    spool.open()
    before = {name: (data / NAME / name).stat().st_ino for name in ("part", "want", "absent", "ready")}
    (data / NAME / "absent" / "x").touch()
    (data / NAME / "want" / "y").touch()
    spool.open()
    assert {name: (data / NAME / name).stat().st_ino for name in before} == before
    assert not list((data / NAME).glob("[aw]*/*"))


def test_what_is_written_to_the_spool_goes_through_no_link(data: Path, tmp_path: Path) -> None:
    spool, victim = Spool(data, None), tmp_path / "victim"
    victim.write_text("kept")
    spool.open()
    for name in ("beat", "bring", "failed", "absent/x", "part/.new"):
        (data / NAME / name).unlink(missing_ok=True)
        (data / NAME / name).symlink_to(victim)
    spool.tell_absent("x")
    spool.tell_failed("words")
    spool.open()
    assert victim.read_text() == "kept"


def test_a_spool_that_is_a_link_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (data / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="reforge_wal"):
        Spool(data, None).open()
    assert not list((tmp_path / "elsewhere").iterdir())
