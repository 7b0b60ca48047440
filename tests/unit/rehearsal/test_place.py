"""A site's folder is one that the servers' account can reach."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from problem import Problem
from rehearsal import place
from toolchain.accounts import server_account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="our own account reaches every folder of ours")


def test_the_home_is_taken_where_it_can_be_reached(server_folder: Path) -> None:
    home = server_folder / "home"
    assert place.choose(home, server_account()) == home / "site"


@needs_root
def test_a_home_that_is_ours_alone_leaves_nothing_and_a_temporary_folder_is_taken(tmp_path: Path) -> None:
    folder = place.choose(tmp_path, server_account())
    folder.rmdir()
    assert folder.parent == Path(tempfile.gettempdir()).resolve()
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_too_long_for_a_socket_is_not_usable(server_folder: Path) -> None:
    deep = server_folder / ("d" * 100)
    deep.mkdir()
    assert place.usable(server_folder, server_account())
    assert not place.usable(deep, server_account())


def test_no_usable_folder_at_all_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "usable", lambda *_: False)
    with pytest.raises(Problem, match="TMPDIR") as raised:
        place.choose(tmp_path, None)
    assert raised.value.name == "no-place"
    assert list(tmp_path.iterdir()) == []
