"""Archives of any kind by the names that PostgreSQL knows: compressed, nested, far away, damaged, gone."""

from __future__ import annotations

import bz2
import lzma
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archive import cache as caching
from archive import scratch
from archive.backups import list_backups
from archive.cache import Cache
from archive.chain import Chain, chain_from
from archive.commits import Commit, first_after
from archive.segments import Segment
from archive.stores.folder import FolderStore
from archive.stores.store import Stored
from archive.wal import Archive
from problem import Problem
from tests.support.wal_archives import COMPRESSORS, compress
from tests.unit.archive.made_up import SIZE, archive_of, base_backup, put

ALL = {**COMPRESSORS, ".bz2": bz2.compress, ".xz": lzma.compress}


class Far(FolderStore):
    """A folder that acts as if it lay elsewhere, and knows what was opened."""

    near = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened: list[str] = []

    def open(self, stored: Stored) -> Any:
        self.opened.append(stored.key)
        return FolderStore(self.folder).open(stored)

    def path(self, stored: Stored) -> None:  # type: ignore[override]
        return None


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return archive_of(tmp_path / "plain", 2, 3, 4)


def segment(number: int) -> Segment:
    return Segment(1, number, SIZE)


@pytest.mark.parametrize("suffix", ALL)
def test_a_history_that_is_cut_short_is_not_taken_for_a_shorter_one(
    tmp_path: Path, plain: Path, suffix: str
) -> None:
    """A segment has its size to tell that; of a history the missing lines would be missed by nobody."""
    packed = ALL[suffix](b"1\t0/400100\tno recovery target specified\n")
    (plain / f"00000002.history{suffix}").write_bytes(packed[:-3])
    with pytest.raises(Problem) as caught:
        Archive.scan(plain).text("00000002.history")
    assert caught.value.name == "wal-damaged"


@pytest.mark.parametrize("suffix", ALL)
def test_a_segment_of_every_compression_becomes_a_plain_local_file(
    tmp_path: Path, plain: Path, suffix: str
) -> None:
    (tmp_path / "wal").mkdir()
    content = (plain / segment(3).name).read_bytes()
    (tmp_path / "wal" / f"{segment(3).name}{suffix}").write_bytes(ALL[suffix](content))
    found = Archive.scan(tmp_path / "wal")
    assert found.local(segment(3)).read_bytes() == content
    assert found.local(segment(3)) == found.local(segment(3)), "unpacked once"
    assert (found.folder, found.direct) == (None, False)


def test_a_plain_segment_is_its_own_local_file(plain: Path) -> None:
    found = Archive.scan(plain)
    assert found.local(segment(2)) == plain / segment(2).name
    assert (found.folder, found.direct) == (plain, True)


def test_compression_is_told_by_the_content_where_the_name_does_not_say_it(plain: Path) -> None:
    """As Barman keeps segments, in a folder for each 4 GiB."""
    nested = plain / segment(3).name[:16]
    nested.mkdir()
    content = (plain / segment(3).name).read_bytes()
    (nested / segment(3).name).write_bytes(COMPRESSORS[".gz"](content))
    (plain / segment(3).name).unlink()
    found = Archive.scan(plain)
    assert found.flaw(segment(3), 7_000_000_000_000_000_001) is None
    assert found.local(segment(3)).read_bytes() == content
    assert found.folder is None


def test_the_plain_one_of_two_is_taken(plain: Path) -> None:
    (plain / f"{segment(2).name}.gz").write_bytes(b"half of it")
    assert Archive.scan(plain).local(segment(2)) == plain / segment(2).name


def test_histories_are_read_whatever_compresses_them(tmp_path: Path, plain: Path) -> None:
    (plain / "00000002.history").write_text("1\t0/400100\tbecause\n")
    (plain / f"{segment(2).name}.00000028.backup").write_text("START TIME: ...\n")
    found = Archive.scan(compress(plain, tmp_path / "wal", ".zst"))
    assert found.histories == {2}
    assert found.text("00000002.history") == "1\t0/400100\tbecause\n"
    assert found.text(f"{segment(2).name}.00000028.backup") == "START TIME: ...\n"
    assert found.text("00000009.history") is None


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda data: data[:6] + b"\xff" * 60, lambda _: b""]
)
def test_damage_is_named_with_the_file_wherever_it_is_met(
    tmp_path: Path, plain: Path, suffix: str, damage: Any
) -> None:
    (tmp_path / "wal").mkdir()
    # Bytes that do not compress, so that the end of the file holds some of them.
    content = (plain / segment(3).name).read_bytes()[:8192] + bytes(range(251)) * 4000
    victim = tmp_path / "wal" / f"{segment(3).name}{suffix}"
    victim.write_bytes(damage(ALL[suffix](content.ljust(SIZE, b"\0")[:SIZE])))
    found = Archive.scan(tmp_path / "wal")
    with pytest.raises(Problem) as caught:
        found.local(segment(3))
    assert (caught.value.name, str(victim) in caught.value.what) == ("wal-damaged", True)
    with pytest.raises(Problem):
        found.fetch(segment(3).name, tmp_path / "target", SIZE)


def test_a_pipe_is_no_file_of_an_archive(plain: Path) -> None:
    os.mkfifo(plain / segment(5).name)
    assert segment(5) not in Archive.scan(plain)


def test_a_file_that_went_since_it_was_listed_is_missing(tmp_path: Path, plain: Path) -> None:
    found = Archive.scan(compress(plain, tmp_path / "wal", ".lz4"))
    (tmp_path / "wal" / f"{segment(3).name}.lz4").unlink()
    with pytest.raises(Problem) as caught:
        found.local(segment(3))
    assert caught.value.name == "wal-missing"
    assert found.flaw(segment(3), 1) == "is missing"


def test_a_far_archive_is_looked_into_at_its_ends_alone(tmp_path: Path) -> None:
    wal = archive_of(tmp_path / "wal", *range(2, 60))
    base_backup(tmp_path / "base" / "b1")
    store = Far(wal)
    found = chain_from(list_backups(tmp_path / "base").usable[0], Archive.scan(store))
    assert len(found.segments) == 58
    assert len(store.opened) <= 2


def test_the_size_of_a_plain_far_segment_shows_in_the_listing(tmp_path: Path) -> None:
    wal = archive_of(tmp_path / "wal", 2, 3, 4)
    (wal / segment(3).name).write_bytes(b"cut")
    base_backup(tmp_path / "base" / "b1")
    found = chain_from(list_backups(tmp_path / "base").usable[0], Archive.scan(Far(wal)))
    assert (found.gap, "3 bytes" in found.flaw) == (segment(3), True)


def test_a_moment_is_found_in_a_far_archive_by_reading_a_few_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = compress(archive_of(tmp_path / "plain", *range(2, 258)), tmp_path / "wal", ".zst")
    base_backup(tmp_path / "base" / "b1")
    store, begin = Far(wal), datetime(2025, 12, 3, tzinfo=UTC)
    found = chain_from(list_backups(tmp_path / "base").usable[0], Archive.scan(store))

    def one_a_segment(reader: Any, first: int, _last: int) -> Iterator[Commit]:
        chain: Chain = reader.chain
        chain.file(first)
        yield Commit(first, begin + timedelta(seconds=first), chain.segments[first].start_lsn)

    monkeypatch.setattr("archive.commits.endings", one_a_segment)
    stop = first_after(found, begin + timedelta(seconds=100), Any)  # type: ignore[arg-type]
    assert stop is not None
    assert stop.xid == 101
    assert len(set(store.opened)) <= 12, "of 256"


def test_the_cache_keeps_no_more_than_it_may_and_goes_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "MOST", 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache = Cache()
    paths = [cache.get(name, lambda path: path.write_text("x") and None) for name in "abc"]
    assert [path.exists() for path in paths] == [False, True, True]
    with pytest.raises(ValueError, match="no such"):
        cache.get("d", _fails)
    assert len(list(tmp_path.glob("*/*"))) == 2
    del cache
    assert list(tmp_path.iterdir()) == []


def _fails(path: Path) -> None:
    path.write_text("half")
    raise ValueError("no such thing")


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_YOUNG", -1)
    living = Cache()
    kept = living.get("a", lambda path: path.write_text("x") and None)
    (tmp_path / "reforge-segments-killed").mkdir()
    scratch._sweep.cache_clear()  # as in a process that begins
    Cache().get("b", lambda path: path.write_text("x") and None)
    assert not (tmp_path / "reforge-segments-killed").exists()
    assert kept.exists()


def test_an_archive_of_another_segment_is_told_by_its_first_page(tmp_path: Path) -> None:
    wal = archive_of(tmp_path / "plain", 2)
    put(wal, segment(9)).rename(wal / segment(3).name)
    found = Archive.scan(compress(wal, tmp_path / "wal", ".gz"))
    assert "does not hold the WAL" in (found.flaw(segment(3), 7_000_000_000_000_000_001) or "")
