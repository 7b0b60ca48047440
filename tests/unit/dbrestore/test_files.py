"""Files replaced whole: mode, owner and symlinks stay, and a failure leaves the old content."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dbrestore import files
from problem import Problem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "conf"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def test_replaces_the_content_and_keeps_the_mode(file: Path) -> None:
    inode = file.stat().st_ino
    files.replace(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (b"new", 0o640)
    assert file.stat().st_ino != inode
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_keeps_the_owner(file: Path) -> None:
    os.chown(file, 12345, 23456)
    files.replace(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_an_owner_that_cannot_be_kept_is_a_problem(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", forbidden)
    with pytest.raises(Problem, match="Operation not permitted") as caught:
        files.replace(file, b"new")
    assert caught.value.name == "file-not-writable"
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


def test_a_symlink_stays_one(file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to("conf")
    files.replace(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_a_new_file_is_private(tmp_path: Path) -> None:
    files.replace(tmp_path / "record", b"x")
    assert (tmp_path / "record").stat().st_mode & 0o7777 == 0o600


def test_prepared_content_shows_only_once_committed(file: Path) -> None:
    replacement = files.prepare(file, b"new")
    assert file.read_bytes() == b"old"
    replacement.commit()
    assert file.read_bytes() == b"new"
    replacement.discard()
    with pytest.raises(Problem, match="No such file"):
        replacement.commit()


def test_a_missing_folder_and_a_missing_file_are_problems(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No such file"):
        files.replace(tmp_path / "none" / "conf", b"")
    with pytest.raises(Problem, match="cannot be read"):
        files.read(tmp_path / "conf")
    with pytest.raises(Problem, match="cannot be opened"), files.exclusive([tmp_path / "none" / "conf"]):
        pass


def test_one_edit_at_a_time_in_a_folder(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with files.exclusive([file, other]):
        with pytest.raises(Problem, match="another run"), files.exclusive([other], timeout=0.05):
            pass
        waited = threading.Event()

        def wait() -> None:
            with files.exclusive([other], timeout=10):
                waited.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not waited.is_set()
    thread.join(10)
    assert waited.is_set()
    assert list(tmp_path.iterdir()) == [file]
