"""The guard's side of the pipe: what counts as done, and what as a swap that died or hangs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dbrestore.pgbouncer.inputs import RouteInputs
from dbrestore.pgbouncer.pipe import Pipe
from dbrestore.pgbouncer.rescue import rescue, watch


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def soon() -> float:
    return time.monotonic() + 5


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"done\n", {"done"}),
        (b"writing\ndone\nlate\n", {"writing", "done"}),
        (b"", set()),
        (b"writing\n", {"writing"}),
        (b"writing\ndon", {"writing"}),
    ],
)
def test_only_whole_lines_up_to_done_count_and_each_is_answered(
    ends: tuple[int, int], said: bytes, expected: set[str]
) -> None:
    os.write(ends[1], said)
    os.close(ends[1])
    answered: list[str] = []
    assert watch(Pipe(ends[0]), soon(), answered.append) == expected
    assert set(answered) == expected


def test_silence_ends_at_the_deadline(ends: tuple[int, int]) -> None:
    start = time.monotonic()
    assert watch(Pipe(ends[0]), start + 0.1, print) == set()
    assert 0.1 <= time.monotonic() - start < 3
    os.close(ends[1])


def test_lines_that_come_together_or_in_parts_are_lines(ends: tuple[int, int]) -> None:
    pipe = Pipe(ends[0])
    os.write(ends[1], b"orders\nwrit")
    assert pipe.line(soon()) == "orders"
    os.write(ends[1], b"ing\n")
    assert pipe.line(soon()) == "writing"
    os.close(ends[1])
    assert pipe.line(soon()) is None


def inputs(**more: object) -> RouteInputs:
    values = {"database": "app", "admins": ["a", "b"], "host": "h", "port": 5432.0}
    return RouteInputs.model_validate(values | more)


def test_config_files_are_one_for_all_or_one_each() -> None:
    assert inputs().conffiles() == []
    assert inputs(configFiles=["x"]).conffiles() == ["x", "x"]
    assert inputs(configFiles=["x", "y"]).conffiles() == ["x", "y"]
    with pytest.raises(ValidationError, match="one file for all"):
        inputs(configFiles=["x", "y", "z"])


def test_timeouts_have_defaults_and_go_over_the_wire() -> None:
    assert inputs(timeouts={"pause": 3}).wire()["timeouts"] == {"pause": 3, "reload": 5, "resume": 5}
    with pytest.raises(ValidationError):
        inputs(timeouts={"pause": 0})
    with pytest.raises(ValidationError):
        inputs(database='a"b')


class Resumed:
    """Stands for the processes; knows whether they were told to read their files again."""

    reloaded: bool | None = None

    def release(self, _timeout: float, _settle: float, reload: bool = False) -> dict[str, str]:
        self.reloaded = reload
        return {}


def rescued(folder: Path, said: set[str], *contents: str, promotion: Any = None) -> tuple[list[str], Any]:
    """What a guard leaves in config files that hold ``contents``, and whether it reloads them."""
    paths = [folder / f"{number}.ini" for number in range(len(contents))]
    for path, text in zip(paths, contents, strict=True):
        path.write_text(text)
    fleet: Any = Resumed()
    edits = [(str(path), "new", "old") for path in paths]
    orders = {"discard": [], "edits": edits, "promotion": promotion}
    assert rescue(fleet, orders, said) == 0
    return [path.read_text() for path in paths], fleet.reloaded


def test_processes_of_a_killed_swap_all_go_to_the_same_server(tmp_path: Path) -> None:
    assert rescued(tmp_path, {"writing"}, "new", "old") == (["old", "old"], True)
    assert rescued(tmp_path, {"writing"}, "old", "new") == (["old", "old"], True)
    assert rescued(tmp_path, {"writing"}, "new", "new") == (["new", "new"], True)
    assert rescued(tmp_path, {"writing"}, "new", "edited") == (["old", "edited"], True)
    assert rescued(tmp_path, set(), "new", "old") == (["new", "old"], False)


def test_a_promotion_that_was_being_undone_is_undone(tmp_path: Path) -> None:
    parties = {"name": "r", "replica": "s", "url": "", "sourceUrl": ""}
    promotion = {"parties": parties, "fence_before": None, "commits": []}
    said = {"promoting", "writing", "backward"}
    assert rescued(tmp_path, said, "new", "new", promotion=promotion) == (["old", "old"], True)


def test_clients_are_resumed_whatever_a_promotion_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> bool:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("dbrestore.pgbouncer.promoted.settled", broken)
    assert rescued(tmp_path, {"promoting"}, "old", promotion={"any": 1}) == (["old"], False)
