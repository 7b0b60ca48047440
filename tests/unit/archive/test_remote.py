"""Object stores by URL: what is wrong with one is told as a Problem, whatever library says it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.registry import _registry

from archive.remote import mapped, open_filesystem, opened
from archive.stores.bucket import BucketStore
from archive.stores.opening import store_at
from archive.wal import Archive
from problem import Misuse, Problem
from tests.unit.archive.made_up import SIZE, Segment, archive_of


def test_a_url_that_nothing_opens_is_a_misuse() -> None:
    with pytest.raises(Misuse) as caught:
        open_filesystem("nonsense://bucket/wal")
    assert caught.value.name == "storage-url-wrong"


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)  # it keeps what it once loaded
    with pytest.raises(Problem) as caught:
        open_filesystem("s3://bucket/wal", {"endpoint_url": "http://127.0.0.1:1", "anon": True})
    assert (caught.value.name, "reforge[s3]" in caught.value.cure) == ("storage-driver-missing", True)


@pytest.mark.parametrize(("url", "keys"), [("s3://b/w", "AWS_PROFILE"), ("gs://b/w", "GOOGLE_APPLICATION")])
def test_what_a_library_raises_is_told_with_the_credentials_that_it_looks_for(url: str, keys: str) -> None:
    class SomethingOfTheirs(Exception):
        pass

    with pytest.raises(Problem) as caught, mapped(url):
        raise SomethingOfTheirs("no route")
    assert caught.value.name == "storage-unreachable"
    assert "SomethingOfTheirs: no route" in caught.value.what
    assert keys in caught.value.cure


def test_a_missing_file_stays_one() -> None:
    with pytest.raises(FileNotFoundError), mapped("s3://b/w"):
        raise FileNotFoundError("gone")


@pytest.fixture
def memory(tmp_path: Path) -> str:
    """An archive in fsspec's own store in memory."""
    files, root = open_filesystem("memory://bucket/wal")
    plain = archive_of(tmp_path / "wal", 2, 3)
    for path in plain.iterdir():
        files.pipe_file(f"{root}/{path.name}", path.read_bytes())
    return "memory://bucket/wal"


def test_an_archive_behind_a_url_is_listed_and_fetched(memory: str, tmp_path: Path) -> None:
    found = Archive.scan(store_at(memory))
    segment = Segment(1, 2, SIZE)
    assert found.place == memory
    assert found.local(segment).read_bytes() == (tmp_path / "wal" / segment.name).read_bytes()
    assert (found.folder, found.direct) == (None, False)
    assert found.where(segment) == f"{memory}/{segment.name}"


def test_a_big_file_is_read_in_pieces(memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.stores.bucket._AT_ONCE", 1000)
    segment = Segment(1, 3, SIZE)
    assert Archive.scan(BucketStore(memory)).local(segment).stat().st_size == SIZE


def test_a_folder_that_is_not_there_is_unreadable_and_not_empty() -> None:
    with pytest.raises(Problem) as caught:
        Archive.scan(store_at("memory://bucket/nowhere"))
    assert (caught.value.name, "memory://bucket/nowhere" in caught.value.what) == ("archive-unreadable", True)


def test_a_connection_that_breaks_while_a_file_is_read_is_told_by_its_url() -> None:
    class Broken:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_words: object) -> None:
            pass

        def read(self, _size: int) -> bytes:
            raise RuntimeError("connection reset")

    class Files:
        def open(self, *_words: object, **_options: object) -> Broken:
            return Broken()

    with pytest.raises(Problem) as caught, opened(Files(), "bucket/x", "s3://bucket/x") as stream:
        stream.read()
    assert (caught.value.name, "s3://bucket/x" in caught.value.what) == ("storage-unreachable", True)
