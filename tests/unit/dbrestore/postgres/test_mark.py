"""The ownership mark: what carries it is ours to go on with or remove, and nothing else is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dbrestore.postgres.mark import NAME, Mark, Phase, new_mark, own_mark, read_mark
from problem import Refusal

URN = "urn:pulumi:prod::reforge::dbrestore:postgres:Instance::one"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "one"
    made.mkdir()
    return made


def marked(directory: Path, urn: str = URN) -> Mark:
    return new_mark(urn, directory, "latest").write()


def test_a_mark_is_read_as_it_was_written(directory: Path) -> None:
    mark = marked(directory)
    assert read_mark(directory) == own_mark(directory, URN) == mark
    assert mark.at("ready").write() == read_mark(directory)
    assert [path.name for path in directory.iterdir()] == [NAME]


def test_every_mark_has_an_identity_of_its_own(directory: Path) -> None:
    assert marked(directory).identity != marked(directory).identity


def test_there_is_no_mark_where_nothing_is_yet(directory: Path) -> None:
    assert read_mark(directory) is None
    assert own_mark(directory, URN) is None, "an empty folder is free"
    assert own_mark(directory / "absent", URN) is None


def test_a_folder_with_something_in_it_and_no_mark_is_somebody_elses(directory: Path) -> None:
    (directory / "PG_VERSION").write_text("15")
    with pytest.raises(Refusal, match="was not made by Reforge") as caught:
        own_mark(directory, URN)
    assert caught.value.name == "not-ours"
    assert (directory / "PG_VERSION").exists()


def test_a_file_in_the_place_of_a_folder_is_somebody_elses(tmp_path: Path) -> None:
    place = tmp_path / "one"
    place.write_text("a file")
    with pytest.raises(Refusal) as caught:
        own_mark(place, URN)
    assert caught.value.name == "not-ours"


def test_the_mark_of_another_restore_gives_no_right(directory: Path) -> None:
    marked(directory, URN.replace("prod", "staging").replace("one", "two"))
    with pytest.raises(Refusal, match="carries the mark of 'two'"):
        own_mark(directory, URN)


def test_a_mark_that_was_copied_along_gives_no_right(directory: Path, tmp_path: Path) -> None:
    marked(directory)
    shutil.copytree(directory, tmp_path / "copy")
    with pytest.raises(Refusal, match="carries the mark of 'one' in"):
        own_mark(tmp_path / "copy", URN)


@pytest.mark.parametrize("target", ["one", "nowhere"])
def test_a_symbolic_link_is_never_followed(directory: Path, tmp_path: Path, target: str) -> None:
    marked(directory)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    with pytest.raises(Refusal, match="symbolic link"):
        own_mark(link, URN)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", "null", json.dumps({"urn": URN}), json.dumps({"colour": "red"})]
)
def test_a_mark_that_cannot_be_read_gives_no_right(directory: Path, content: str) -> None:
    (directory / NAME).write_text(content)
    with pytest.raises(Refusal) as caught:
        own_mark(directory, URN)
    assert caught.value.name == "mark-unreadable"
    assert str(directory / NAME) in caught.value.what


def test_a_mark_is_written_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / NAME).with_suffix(".new").symlink_to(tmp_path / "theirs")
    mark = new_mark("urn", tmp_path, "latest").write()
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert read_mark(tmp_path) == mark


@pytest.mark.parametrize(
    ("phase", "boot", "trusted"),
    [("ready", "before", True), ("recovering", "now", True), ("recovering", "before", False)],
)
def test_half_made_work_is_trusted_within_one_boot_of_the_machine(
    directory: Path, monkeypatch: pytest.MonkeyPatch, phase: Phase, boot: str, trusted: bool
) -> None:
    monkeypatch.setattr("dbrestore.postgres.mark.this_boot", lambda: "now")
    assert replace(marked(directory), phase=phase, boot=boot).trusted is trusted


def test_where_the_system_does_not_tell_its_boot_nothing_half_made_is_trusted(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbrestore.postgres.mark.this_boot", lambda: "")
    assert not marked(directory).trusted
