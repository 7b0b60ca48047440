"""A base backup copied: what comes along, what stays behind, and what happens when it cannot go on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dbrestore.handler import Context
from dbrestore.postgres import copying
from dbrestore.postgres.copying import copy_backup
from problem import Problem
from toolchain.accounts import Account, server_account

COPIED = ["PG_VERSION", "base/1/1259", "base/1/backup_manifest", "global/pg_control", "pg_wal/0001"]
LEFT = [
    "backup_manifest",
    "postmaster.pid",
    "postmaster.opts",
    "standby.signal",
    "recovery.signal",
    "pg_replslot/standby/state",
    "pg_stat_tmp/global.stat",
    "base/pgsql_tmp/pgsql_tmp1.0",
]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A folder with something of everything in it."""
    folder = tmp_path / "backup"
    for name in COPIED + LEFT:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 100)
    for empty in ("pg_tblspc", "pg_notify"):
        (folder / empty).mkdir()
    return folder


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "restored"
    made.mkdir(mode=0o700)
    return made


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_the_originals_alone_stays_behind(backup: Path, directory: Path) -> None:
    copy_backup(backup, directory, None, Context("urn"))
    assert files(directory) == COPIED
    for name in COPIED:
        assert (directory / name).read_text() == name * 100
    assert all(
        (directory / name).is_dir() for name in ("pg_tblspc", "pg_notify", "pg_replslot", "pg_stat_tmp")
    )
    assert not (directory / "base" / "pgsql_tmp").exists()


def test_nobody_else_can_read_the_copy(backup: Path, directory: Path) -> None:
    for path in backup.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    copy_backup(backup, directory, None, Context("urn"))
    modes = {path.stat().st_mode & 0o777 for path in directory.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in directory.rglob("*") if path.is_dir()} == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_everything_belongs_to_the_servers_account(backup: Path, directory: Path) -> None:
    owner = server_account()
    assert isinstance(owner, Account)
    copy_backup(backup, directory, owner, Context("urn"))
    assert {path.stat().st_uid for path in directory.rglob("*")} == {owner.uid}
    assert {path.stat().st_gid for path in directory.rglob("*")} == {owner.gid}


def test_it_says_how_much_was_copied(backup: Path, directory: Path) -> None:
    told: list[str] = []
    size = copy_backup(backup, directory, None, Context("urn", told.append))
    assert size == sum((directory / name).stat().st_size for name in COPIED)
    assert told[-1].startswith("copying base backup done: ")


def test_a_copy_of_another_file_system_is_a_plain_one(
    backup: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(copying.fcntl, "ioctl", refused)
    copy_backup(backup, directory, None, Context("urn"))
    assert files(directory) == COPIED
    assert (directory / "PG_VERSION").read_text() == "PG_VERSION" * 100


def test_a_copy_by_shared_blocks_needs_no_second_one(
    backup: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shared(writer: int, request: int, reader: int) -> int:
        assert request == copying.FICLONE
        os.write(writer, os.read(reader, 10_000))
        return 0

    monkeypatch.setattr(copying.fcntl, "ioctl", shared)
    monkeypatch.setattr(copying.shutil, "copyfile", None)
    copy_backup(backup, directory, None, Context("urn"))
    assert (directory / "base/1/1259").read_text() == "base/1/1259" * 100


def test_an_interrupted_copy_says_how_to_go_on(backup: Path, directory: Path) -> None:
    context = Context("urn")
    context.cancelled.set()
    with pytest.raises(Problem) as caught:
        copy_backup(backup, directory, None, context)
    assert (caught.value.name, caught.value.cure) == ("interrupted", "Run the same command again.")


def test_a_full_disk_is_told_with_what_is_free(
    backup: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "_copy_file", full)
    with pytest.raises(Problem, match=r"No space left on device \(\d+ MiB free\)") as caught:
        copy_backup(backup, directory, None, Context("urn"))
    assert caught.value.name == "copy-failed"
    assert str(directory) in caught.value.what
