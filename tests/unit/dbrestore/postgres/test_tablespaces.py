"""Where tablespaces go by rule, what room they need, and what is never removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.backups import BaseBackup, list_backups
from dbrestore.postgres import tablespaces
from dbrestore.postgres.inputs import InstanceInputs
from problem import Problem, Refusal
from tests.unit.archive.made_up import base_backup


@pytest.fixture
def backup(tmp_path: Path) -> BaseBackup:
    """With the tablespaces 1 and 2, whose folders lie beside it; 2 is empty."""
    path = base_backup(tmp_path / "base/b1", more={"pg_tblspc/1/PG_15_202209061/5/16400": b"x" * 300})
    (path / "pg_tblspc/1").rename(tmp_path / "one")
    (tmp_path / "two").mkdir()
    for oid, name in ((1, "one"), (2, "two")):
        (path / f"pg_tblspc/{oid}").symlink_to(tmp_path / name)
    return list_backups(tmp_path / "base").usable[0]


def inputs(tmp_path: Path, **rules: Path) -> InstanceInputs:
    source = {
        "database": "d",
        "user": "u",
        "archive": tmp_path / "wal",
        "backups": tmp_path / "base",
        "tablespaces": {str(tmp_path / name): folder for name, folder in rules.items()},
    }
    declared = {"name": "again", "directory": tmp_path / "restores/again", "source": source, "operators": []}
    return InstanceInputs.model_validate(declared | {"until": {"kind": "latest"}})


def test_without_a_rule_they_go_beside_the_data_directory(backup: BaseBackup, tmp_path: Path) -> None:
    beside = tmp_path / "restores/again.tablespaces"
    assert tablespaces.locations(inputs(tmp_path), backup) == {1: beside / "1", 2: beside / "2"}


def test_the_longest_rule_that_fits_counts(backup: BaseBackup, tmp_path: Path) -> None:
    by_rule = inputs(tmp_path, **{".": tmp_path / "far", "one": tmp_path / "near"})
    assert tablespaces.locations(by_rule, backup) == {
        1: tmp_path / "near/again.tablespaces/1",
        2: tmp_path / "far/again.tablespaces/2",
    }


def test_each_needs_the_room_of_its_files_where_it_goes(backup: BaseBackup, tmp_path: Path) -> None:
    found = tablespaces.needs(inputs(tmp_path, one=tmp_path / "near"), backup)
    assert {need.path.parent.parent: need.count for need in found} == {
        tmp_path / "near": 300,
        tmp_path / "restores": 0,
    }


@pytest.mark.parametrize("place", ["one", "base", "wal/below"])
def test_they_never_go_into_a_folder_of_the_original_or_the_backup(
    backup: BaseBackup, tmp_path: Path, place: str
) -> None:
    with pytest.raises(Problem) as caught:
        tablespaces.check(inputs(tmp_path, one=tmp_path / place), backup, ())
    assert caught.value.name == "tablespace-in-the-way"


def test_a_link_in_their_place_is_not_followed(backup: BaseBackup, tmp_path: Path) -> None:
    (tmp_path / "restores").mkdir()
    (tmp_path / "restores/again.tablespaces").symlink_to(tmp_path / "two")
    with pytest.raises(Refusal, match=r"again\.tablespaces exists and was not made by Reforge"):
        tablespaces.check(inputs(tmp_path), backup, ())


def test_only_folders_of_our_making_are_removed(tmp_path: Path) -> None:
    ours, link, other = (
        tmp_path / name for name in ("a/again.tablespaces", "b/again.tablespaces", "c/precious")
    )
    for folder in (ours, other):
        folder.mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(other)
    gone = tmp_path / "d/again.tablespaces"
    tablespaces.remove([str(place) for place in (ours, link, other, gone)], tmp_path / "restores/again")
    assert [place.exists() for place in (ours, link, other)] == [False, True, True]
