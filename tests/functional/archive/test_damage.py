"""Damage in WAL is told from its end: a crashed source's last segment may stop anywhere, no other may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archive.backups import list_backups
from archive.chain import Chain, chain_from
from archive.commits import last_commit, last_record
from archive.segments import DEFAULT_SIZE, Segment
from archive.wal import Archive
from archive.waldump import Reader, verify_wal
from problem import Problem
from tests.support.servers import Postgres, scratch, wait_until
from toolchain.postgres import Binaries, find_binaries, installations

PAGE = 8192
Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Crashed:
    """A chain of four segments: the backup's own, two full ones, one unfinished.

    ``records``: where a record begins in each but the first.
    """

    chain: Chain
    binaries: Binaries
    folder: Path
    records: dict[int, int]

    def broken(self, folder: Path, index: int, change: Change) -> Chain:
        """The same chain in another folder, one segment of it changed."""
        for segment in self.chain.segments:
            (folder / segment.name).symlink_to(self.folder / segment.name)
        victim = folder / self.chain.segments[index].name
        content = victim.read_bytes()
        victim.unlink()
        victim.write_bytes(change(content))
        return replace(self.chain, archive=Archive.scan(folder))


@pytest.fixture(scope="module", params=sorted({one.major for one in installations()}))
def crashed(request: pytest.FixtureRequest) -> Iterator[Crashed]:
    """Of each major version here: pg_waldump's words are not always the same."""
    binaries = find_binaries(request.param)
    with (
        scratch() as folder,
        Postgres(folder / "source", archive=folder / "wal", major=request.param) as server,
    ):
        server.execute("CREATE TABLE t (i int)")
        server.base_backup("first", folder / "base")
        # Each of 5,000 bytes is on two pages, so some cross from a segment into the next.
        message = "SELECT pg_logical_emit_message(false, '', repeat('x', 5000)) FROM generate_series(1, 8500)"
        server.execute(message)
        server.execute("INSERT INTO t VALUES (1)")
        [(last,)] = server.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
        before = Segment(1, Segment.parse(last).number - 1).name
        wait_until((folder / "wal" / before).exists, what="the last full segment in the archive")
        server.stop(signal=3)
        listed = list_backups(folder / "base").usable[0]
        chain = chain_from(listed, Archive.scan(folder / "wal"))
        (folder / "wal" / last).write_bytes((folder / "source/data/pg_wal" / last).read_bytes())
        chain = chain_from(listed, Archive.scan(folder / "wal"))
        begins = {
            index: next(
                record.lsn % DEFAULT_SIZE
                for record in Reader(chain, binaries).records(index, index)
                if record.lsn % DEFAULT_SIZE > 1_000_000
            )
            for index in range(1, len(chain.segments))
        }
        yield Crashed(chain, binaries, folder / "wal", begins)


def zeroed(begin: int, end: int = DEFAULT_SIZE) -> Change:
    return lambda content: content[:begin] + bytes(end - begin) + content[end:]


def flipped(position: int) -> Change:
    return lambda content: content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


def test_a_crashed_sources_last_segment_just_ends(crashed: Crashed) -> None:
    assert len(crashed.chain.segments) == 4
    verify_wal(crashed.chain, crashed.chain.segments, crashed.binaries)
    verify_wal(crashed.chain, crashed.chain.segments[:-1], crashed.binaries)
    assert last_commit(crashed.chain, crashed.binaries) is not None


@pytest.mark.parametrize("pages", [1, 2, 100])
def test_wal_may_end_at_any_page_of_the_last_segment(crashed: Crashed, tmp_path: Path, pages: int) -> None:
    """Also within a record that began in the segment before, which is then no end for that one."""
    chain = crashed.broken(tmp_path, 3, zeroed(pages * PAGE))
    verify_wal(chain, chain.segments, crashed.binaries)
    verify_wal(chain, chain.segments[:-1], crashed.binaries)


def test_a_last_segment_that_was_used_before_ends_where_its_old_content_begins(
    crashed: Crashed, tmp_path: Path
) -> None:
    older = (crashed.folder / crashed.chain.segments[1].name).read_bytes()
    chain = crashed.broken(tmp_path, 3, lambda content: content[: 50 * PAGE] + older[50 * PAGE :])
    verify_wal(chain, chain.segments, crashed.binaries)


def test_a_last_segment_in_which_no_record_begins_just_ends(crashed: Crashed) -> None:
    """What begins before it runs on beyond it; read by itself, it has nothing to begin with."""
    with (
        scratch() as place,
        Postgres(place / "source", archive=place / "wal", major=crashed.binaries.major) as server,
    ):
        server.execute("CREATE TABLE t (i int)")
        server.base_backup("first", place / "base")
        server.execute("INSERT INTO t VALUES (1)")
        server.execute("SELECT pg_logical_emit_message(false, '', repeat('x', 50000000))")
        server.switch_wal()
        listed = list_backups(place / "base").usable[0]
        whole = chain_from(listed, Archive.scan(place / "wal"))
        read = Reader(whole, crashed.binaries)
        within = [index for index in range(len(whole.segments)) if not list(read.records(index, index))]
        chain = chain_from(listed, Archive.scan(place / "wal").before(whole.segments[within[0] + 1].name))
        assert chain.segments[-1] == whole.segments[within[0]]
        commit, end = last_commit(chain, crashed.binaries), last_record(chain, crashed.binaries)
        assert commit
        assert end
        assert commit.lsn <= end < chain.segments[-1].start_lsn
        verify_wal(chain, chain.segments, crashed.binaries)


LENGTH, LINK, BODY = 1, 10, 60
"""Bytes of a record's header and after it (XLogRecord, src/include/access/xlogrecord.h)."""


@pytest.mark.parametrize("index", [1, 2, 3])
@pytest.mark.parametrize("byte", [LENGTH, LINK, BODY])
def test_a_wrong_byte_is_damage_in_every_segment(
    crashed: Crashed, tmp_path: Path, index: int, byte: int
) -> None:
    chain = crashed.broken(tmp_path, index, flipped(crashed.records[index] + byte))
    assert_damaged(chain, index, crashed.binaries)


@pytest.mark.parametrize("index", [1, 2, 3])
@pytest.mark.parametrize(
    "change", [zeroed(80 * PAGE, 81 * PAGE), flipped(80 * PAGE), flipped(80 * PAGE + 10)]
)
def test_a_wrong_page_is_damage_in_every_segment(
    crashed: Crashed, tmp_path: Path, index: int, change: Change
) -> None:
    """In the last one because WAL goes on after it."""
    assert_damaged(crashed.broken(tmp_path, index, change), index, crashed.binaries)


@pytest.mark.parametrize("index", [1, 2])
def test_wal_that_ends_before_the_last_segment_is_damage(
    crashed: Crashed, tmp_path: Path, index: int
) -> None:
    assert_damaged(crashed.broken(tmp_path, index, zeroed(80 * PAGE)), index, crashed.binaries)


def assert_damaged(chain: Chain, index: int, binaries: Binaries) -> None:
    with pytest.raises(Problem) as caught:
        verify_wal(chain, chain.segments, binaries)
    assert caught.value.name == "wal-damaged"
    assert f"segment {chain.segments[index].name} " in caught.value.what
