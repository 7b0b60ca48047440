"""A base backup copied: what comes along, what stays behind, and what happens when it cannot go on."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from archive.backups import BaseBackup, list_backups
from dbrestore.handler import Context
from dbrestore.postgres import copying, mark
from dbrestore.postgres.copying import copy_backup, verify_backup
from dbrestore.postgres.placement import Placement
from problem import Problem
from tests.unit.archive.made_up import base_backup, signed
from toolchain.accounts import Account, server_account

MADE = ["PG_VERSION", "backup_label", "global/pg_control"]
COPIED = ["base/1/1259", "base/1/backup_manifest", "pg_wal/0001"]
LEFT = [
    "pg_replslot/standby/state",
    "pg_stat_tmp/global.stat",
    "base/pgsql_tmp/pgsql_tmp1.0",
    "tablespace_map",
]
UNLISTED = ["standby.signal", "recovery.signal"]


def made(folder: Path) -> BaseBackup:
    """A backup with something of everything in it."""
    content = {name: (name * 100).encode() for name in COPIED + LEFT if not name.startswith("pg_wal/")}
    path = base_backup(folder / "b1", more=content)
    for name in ("pg_wal/0001", *UNLISTED):
        (path / name).write_text(name * 100)
    return list_backups(folder).usable[0]


@pytest.fixture
def backup(tmp_path: Path) -> BaseBackup:
    return made(tmp_path / "backups")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "restored"
    folder.mkdir(mode=0o700)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_the_originals_alone_stays_behind(backup: BaseBackup, directory: Path) -> None:
    copy_backup(backup, Placement(directory), Context("urn"))
    assert files(directory) == sorted(MADE + COPIED)
    for name in COPIED:
        assert (directory / name).read_text() == name * 100
    assert all(
        (directory / name).is_dir() for name in ("pg_tblspc", "pg_notify", "pg_replslot", "pg_stat_tmp")
    )
    assert not (directory / "base" / "pgsql_tmp").exists()


def test_the_mark_of_the_original_does_not_replace_that_of_the_copy(tmp_path: Path, directory: Path) -> None:
    """What serves was restored once: its backups have its mark in them, which names its own folders."""
    base_backup(tmp_path / "backups/b1", more={mark.NAME: b"{}"})
    ours = mark.new_mark("urn", directory, "latest").write()
    copy_backup(list_backups(tmp_path / "backups").usable[0], Placement(directory), Context("urn"))
    assert mark.read_mark(directory) == ours


def test_a_stray_file_among_the_links_to_tablespaces_is_a_file_like_others(
    tmp_path: Path, directory: Path
) -> None:
    base_backup(tmp_path / "backups/b1", more={"pg_tblspc/core": b"stray"})
    backup = list_backups(tmp_path / "backups").usable[0]
    copy_backup(backup, Placement(directory), Context("urn"))
    assert (directory / "pg_tblspc/core").read_bytes() == b"stray"


def test_a_file_is_copied_through_no_link(backup: BaseBackup, directory: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (directory / "PG_VERSION").symlink_to(tmp_path / "theirs")
    with pytest.raises(Problem) as caught:
        copy_backup(backup, Placement(directory), Context("urn"))
    assert (caught.value.name, (tmp_path / "theirs").read_text()) == ("copy-failed", "theirs")


def test_giving_files_away_follows_no_links(tmp_path: Path, directory: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "theirs").chmod(0o644)
    (directory / "link").symlink_to(tmp_path / "theirs")
    Placement(directory).own_all()
    assert (tmp_path / "theirs").stat().st_mode & 0o777 == 0o644


def test_nobody_else_can_read_the_copy(backup: BaseBackup, directory: Path) -> None:
    assert backup.folder
    for path in backup.folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    copy_backup(backup, Placement(directory), Context("urn"))
    modes = {path.stat().st_mode & 0o777 for path in directory.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in directory.rglob("*") if path.is_dir()} == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_everything_belongs_to_the_servers_account(backup: BaseBackup, directory: Path) -> None:
    owner = server_account()
    assert isinstance(owner, Account)
    copy_backup(backup, Placement(directory, owner), Context("urn"))
    assert {path.stat().st_uid for path in directory.rglob("*")} == {owner.uid}
    assert {path.stat().st_gid for path in directory.rglob("*")} == {owner.gid}


def test_it_says_how_much_was_copied(backup: BaseBackup, directory: Path) -> None:
    told: list[str] = []
    size = copy_backup(backup, Placement(directory), Context("urn", told.append))
    assert size == backup.size
    assert told[-1].startswith("copying base backup done: ")


def test_a_copy_of_another_file_system_is_a_plain_one(
    backup: BaseBackup, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(copying.fcntl, "ioctl", refused)
    copy_backup(backup, Placement(directory), Context("urn"))
    assert files(directory) == sorted(MADE + COPIED)
    assert (directory / "base/1/1259").read_text() == "base/1/1259" * 100


def test_a_copy_by_shared_blocks_needs_no_second_one(
    backup: BaseBackup, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []

    def shared(writer: int, request: int, reader: int) -> int:
        assert request == copying.FICLONE
        os.write(writer, os.read(reader, 10_000))
        return 0

    monkeypatch.setattr(copying.fcntl, "ioctl", shared)
    monkeypatch.setattr(copying, "_write", lambda _writer, chunk: written.append(chunk))
    copy_backup(backup, Placement(directory), Context("urn"))
    assert (directory / "base/1/1259").read_text() == "base/1/1259" * 100
    assert not written


def test_a_copy_by_shared_blocks_is_verified_by_reading_it(
    backup: BaseBackup, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying.fcntl, "ioctl", lambda writer, *_: os.write(writer, b"something else"))
    with pytest.raises(Problem, match="has 14 bytes instead of"):
        copy_backup(backup, Placement(directory), Context("urn"))


def test_an_interrupted_copy_says_how_to_go_on(backup: BaseBackup, directory: Path) -> None:
    context = Context("urn")
    context.cancelled.set()
    with pytest.raises(Problem) as caught:
        copy_backup(backup, Placement(directory), context)
    assert (caught.value.name, caught.value.cure) == ("interrupted", "Run the same command again.")


def test_a_full_disk_is_told_with_what_is_free(
    backup: BaseBackup, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "_write", full)
    with pytest.raises(Problem, match=r"No space left on device \(\d+ MiB free\)") as caught:
        copy_backup(backup, Placement(directory), Context("urn"))
    assert caught.value.name == "copy-failed"
    assert str(directory) in caught.value.what


def test_a_flipped_byte_is_named_with_its_file(backup: BaseBackup, directory: Path) -> None:
    assert backup.folder
    (backup.folder / "base/1/1259").write_bytes(b"X" + ("base/1/1259" * 100).encode()[1:])
    for attempt in (
        lambda: verify_backup(backup, Context("urn")),
        lambda: copy_backup(backup, Placement(directory), Context("urn")),
    ):
        with pytest.raises(Problem, match="base/1/1259 is damaged inside: its SHA256 is") as caught:
            attempt()
        assert caught.value.name == "backup-damaged"


def test_a_backup_without_checksums_is_told_to_be_unproven_inside(
    backup: BaseBackup, directory: Path
) -> None:
    assert backup.folder
    path, noted = backup.folder / "backup_manifest", list[str]()
    copy_backup(backup, Placement(directory), Context("urn", note=noted.append))
    assert not noted
    document = json.loads(path.read_bytes())
    del document["Manifest-Checksum"]
    for file in document["Files"]:
        del file["Checksum-Algorithm"]
    path.write_bytes(signed(document))
    copy_backup(backup, Placement(directory), Context("urn", note=noted.append))
    assert noted == ["Base backup b1 has no checksums: only names and sizes were verified."]


def test_a_whole_backup_is_verified_without_a_copy(backup: BaseBackup) -> None:
    told: list[str] = []
    verify_backup(backup, Context("urn", told.append))
    assert told[-1].startswith("verifying base backup done: ")


def test_a_file_that_went_away_is_named(backup: BaseBackup, directory: Path) -> None:
    assert backup.folder
    assert backup.contents.sizes()
    (backup.folder / "base/1/1259").unlink()
    with pytest.raises(Problem, match="base/1/1259 is gone since it was listed"):
        copy_backup(backup, Placement(directory), Context("urn"))
