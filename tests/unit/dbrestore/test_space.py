"""Whether a restore fits on its file systems, told before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dbrestore import space
from dbrestore.space import Need, file_systems, fitting
from problem import Problem

GIB = 2**30


def free(path: Path) -> int:
    figures = os.statvfs(path)
    return figures.f_bavail * figures.f_frsize


def test_needs_on_one_file_system_are_added_up(tmp_path: Path) -> None:
    system, *others = file_systems([Need(tmp_path / "new/data", GIB, 5), Need(tmp_path / "spaces", 2 * GIB)])
    assert others == []
    assert (system.place, system.needed, system.growth) == (tmp_path / "new/data", 3 * GIB, 5)
    assert system.free == pytest.approx(free(tmp_path), rel=0.05)


def test_file_systems_are_told_apart(tmp_path: Path) -> None:
    apart = file_systems([Need(tmp_path, 1), Need(Path("/proc"), 2)])
    assert [system.needed for system in apart] == [1, 2]


def test_what_cannot_fit_is_refused_with_the_figures(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        fitting([Need(tmp_path / "data", free(tmp_path) + 900 * GIB)])
    assert caught.value.name == "no-space"
    assert f"{tmp_path}/data: needs" in caught.value.what
    assert "GiB too little" in caught.value.what
    assert "reforge:source.directory" in caught.value.cure


def test_growth_that_may_not_fit_is_a_warning_alone(tmp_path: Path) -> None:
    (line,) = fitting([Need(tmp_path, 10, free(tmp_path) + 900 * GIB)])
    assert "more before it is done" in line
    assert line.endswith("it may become full before it is done")


def test_where_blocks_can_be_shared_a_copy_is_never_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_type_of", lambda _path: "btrfs")
    (line,) = fitting([Need(tmp_path / "data", free(tmp_path) + 900 * GIB, source=tmp_path)])
    assert line.endswith("blocks can be shared")


def test_blocks_are_not_shared_between_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_type_of", lambda _path: "btrfs")
    (line,) = fitting([Need(tmp_path / "data", 1, source=Path("/proc"))])
    assert not line.endswith("shared")


def test_the_type_of_a_file_system_is_that_of_the_nearest_mount() -> None:
    assert space._type_of(Path("/proc/self")) == "proc"
