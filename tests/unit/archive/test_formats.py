"""Tar files that only look like pg_basebackup's: facts without much reading, damage in words."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from archive.backups import BaseBackup, BrokenBackup, list_backups
from archive.checksums import content_difference, empty_sum
from archive.compression import Garbled
from archive.formats.contents import is_safe
from archive.lsn import format_lsn
from archive.manifest import Listed, parse_label, parse_manifest
from archive.segments import Segment
from tests.unit.archive.made_up import FILES, SIZE, SYSTEM, first_page, label, manifest, tar, tar_backup


def only(folder: Path) -> BaseBackup:
    found = list_backups(folder)
    assert not found.broken
    return found.usable[0]


def reason(folder: Path) -> str:
    (broken,) = list_backups(folder).broken
    assert isinstance(broken, BrokenBackup)
    return broken.why


def test_a_tar_backup_tells_its_facts(tmp_path: Path) -> None:
    tar_backup(tmp_path / "b1")
    found = only(tmp_path)
    assert (found.form, found.version_major, found.segment_size) == ("tar", 15, SIZE)
    assert found.tablespaces == {16384: "/srv/fast", 16385: "/srv/with\nnewline \\ and more"}
    assert found.system_identifier is None


def test_wal_of_its_own_tells_version_and_system(tmp_path: Path) -> None:
    page = first_page(Segment(1, 2, SIZE)) + bytes(1000)
    tar_backup(tmp_path / "b1", pg_wal=tar({Segment(1, 2, SIZE).name: page}))
    found = only(tmp_path)
    assert (found.version_major, found.system_identifier) == (15, SYSTEM)
    assert found.contents.wal() == {Segment(1, 2, SIZE).name: len(page)}
    assert found.contents.wal_file(Segment(1, 2, SIZE).name).read_bytes() == page


def test_any_file_of_it_can_be_read(tmp_path: Path) -> None:
    tar_backup(tmp_path / "b1", base_gz=gzip.compress(tar({"backup_label": label(), **FILES})))
    (tmp_path / "b1/base.tar").unlink()
    found = only(tmp_path)
    assert found.form == "tar, gz"
    assert found.contents.read("base/1/1259") == FILES["base/1/1259"]
    with pytest.raises(FileNotFoundError):
        found.contents.read("base/1/1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged or cut short"),
        (tar({"backup_label": label()}), "has no PG_VERSION"),
        (tar({"PG_VERSION": b"15\n"}), "backup_label cannot be read"),
        (tar({"backup_label": label() + b"x", **FILES}), "its backup_label has 99 bytes instead of 98"),
        (gzip.compress(tar(FILES))[:-20], "base.tar"),
    ],
)
def test_a_tar_backup_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    tar_backup(tmp_path / "b1", base=content)
    assert words.partition(" has 99")[0] in reason(tmp_path)


@pytest.mark.parametrize("oid", ["16384", "16385"])  # the latter is empty: nothing in the manifest is of it
def test_a_tar_backup_without_the_tar_file_of_a_tablespace_is_broken(tmp_path: Path, oid: str) -> None:
    (tar_backup(tmp_path / "b1") / f"{oid}.tar").unlink()
    assert reason(tmp_path).startswith(f"its tar file of the tablespace {oid} is missing, which lay in /srv/")


def test_an_incremental_backup_needs_the_one_that_began_there(tmp_path: Path) -> None:
    parent = tar_backup(tmp_path / "full", number=2)
    start = format_lsn(2 * SIZE + 0x28)
    more = f"INCREMENTAL FROM LSN: {start}\nINCREMENTAL FROM TLI: 1\n"
    tar_backup(tmp_path / "later", number=5, more=more)
    later = list_backups(tmp_path).usable[-1]
    assert ([one.name for one in later.parents], later.form) == (["full"], "tar, incremental")
    assert [one.name for one in later.chain] == ["full", "later"]
    parent.rename(tmp_path / ".away")
    assert f"it began at {start} on timeline 1" in reason(tmp_path)


def test_a_broken_parent_is_guessed_at_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "torn").mkdir()
    more = f"INCREMENTAL FROM LSN: {format_lsn(SIZE)}\nINCREMENTAL FROM TLI: 1\n"
    tar_backup(tmp_path / "later", number=5, more=more)
    reasons = {one.name: one.why for one in list_backups(tmp_path).broken}
    assert "perhaps torn, which cannot be used" in reasons["later"]


# Texts and checksums


@pytest.mark.parametrize(
    ("kind", "checksum"),
    [
        ("SHA224", "ea09ae9cc6768c50fcee903ed054556e5bfc8347907f12598aa24193"),
        ("sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        ("NONE", ""),
    ],
)
def test_checksums_are_those_of_the_manifest(kind: str, checksum: str) -> None:
    assert not content_difference(Listed(5, kind, checksum), b"hello")
    assert "instead of" in content_difference(Listed(6, kind, checksum), b"hello")


def test_crc32c_is_written_as_memory_has_it() -> None:
    # The check value of the polynomial is 0xE3069283 (RFC 3720, appendix B.4, gives such examples).
    assert not content_difference(Listed(9, "CRC32C", "839206e3"), b"123456789")


def test_an_unknown_checksum_is_no_excuse() -> None:
    with pytest.raises(Garbled, match="unknown kind MD5"):
        empty_sum(Listed(1, "MD5", "x"))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "base/../../x", "", "a\0b"])
def test_a_name_that_leads_out_is_not_safe(name: str) -> None:
    assert not is_safe(name)
    assert is_safe("base/1/1259")


def test_a_manifest_that_was_changed_or_cut_is_none() -> None:
    whole = manifest({"backup_label": b"x"}, {"Timeline": 1, "Start-LSN": "0/1", "End-LSN": "0/2"})
    assert parse_manifest(whole).files["backup_label"].size == 1
    with pytest.raises(ValueError, match="does not agree with its own checksum"):
        parse_manifest(whole.replace(b'"Size": 1', b'"Size": 2'))
    with pytest.raises(ValueError, match="cut short"):
        parse_manifest(whole[:-80])


def test_a_label_tells_what_an_incremental_backup_builds_on() -> None:
    more = "INCREMENTAL FROM LSN: 1/28\nINCREMENTAL FROM TLI: 3\n"
    assert parse_label(label(more=more)).incremental_from == (3, (1 << 32) + 0x28)
    assert parse_label(label()).incremental_from is None
