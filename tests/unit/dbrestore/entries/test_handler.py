"""``EntryHandler``: what holds of a value in any place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbrestore.entries.entry import ValueInputs
from dbrestore.handler import Context, State
from problem import Problem, Refusal
from tests.unit.dbrestore.entries.memory import Cell, Dial, DialInputs, Values

HERE = Context("urn:pulumi:test::reforge::dbrestore:test:Value::one")


class Killed(BaseException):
    """What ends a process midway."""


def killed() -> None:
    raise Killed


def want(value: str) -> ValueInputs:
    return ValueInputs(value=value)


def update(cell: Cell, state: State, value: str) -> State:
    return Values(cell).update(HERE, "cell", state, want(value))


def test_nothing_is_written_where_the_value_stands_already() -> None:
    cell = Cell()
    identity, state = Values(cell).create(HERE, want("one"))
    assert (identity, cell.written, cell.noted) == ("cell", [], None)
    assert state == {"value": "one", "original": "one", "previous": "one"}


def test_there_and_back_keeps_the_original() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("one"))
    state = update(cell, state, "two")
    assert state == {"value": "two", "original": "one", "previous": "one"}
    assert cell.noted == "one"
    assert update(cell, state, "one") == {"value": "one", "original": "one", "previous": "two"}
    assert cell.written == ["two", "one"]
    assert cell.noted is None


def test_a_foreign_value_is_refused_without_a_word_of_it() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("one"))
    cell.theirs("hush-theirs")
    with pytest.raises(Refusal, match="URL in the cell was changed by someone else") as caught:
        update(cell, state, "two")
    assert (caught.value.name, cell.written) == ("changed-meanwhile", [])
    assert "hush" not in str(caught.value)


def test_a_foreign_value_that_comes_between_reading_and_writing_is_refused_as_well() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("one"))
    cell.between = lambda: cell.theirs("theirs")
    with pytest.raises(Refusal):
        update(cell, state, "two")
    assert (cell.value, cell.written) == ("theirs", [])


def test_a_write_beside_ours_is_waited_out_and_one_that_never_ends_is_told() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("one"))
    beside = iter([lambda: cell.theirs("one")] * 3 + [lambda: None])
    cell.between = lambda: next(beside)()
    state = update(cell, state, "two")
    assert cell.written == ["two"]
    cell.between = lambda: cell.theirs("two")
    with pytest.raises(Problem) as caught:
        update(cell, state, "three")
    assert caught.value.name == "entry-contended"
    assert cell.written == ["two"]


def test_after_a_kill_between_write_and_return_nothing_is_written_twice() -> None:
    cell = Cell(after=killed)
    with pytest.raises(Killed):
        Values(cell).create(HERE, want("two"))
    _, state = Values(cell).create(HERE, want("two"))
    assert state == {"value": "two", "original": "one", "previous": "one"}, "the original of before the kill"
    with pytest.raises(Killed):
        update(cell, state, "three")
    assert update(cell, state, "three")["original"] == "one"
    assert cell.written == ["two", "three"]


def test_an_original_noted_in_another_incident_does_not_count() -> None:
    cell = Cell(noted="of old")
    _, state = Values(cell).create(HERE, want("two"))
    assert (state["original"], cell.noted) == ("one", "one")


@pytest.mark.parametrize("cell", [Cell(value=None), Cell(gone=True), Cell(gone=True, may_add=True)])
def test_what_is_not_there_is_told_and_gone_for_a_refresh(cell: Cell) -> None:
    with pytest.raises(Problem, match="The cell has no URL"):
        Values(cell).create(HERE, want("one"))
    assert Values(cell).read(HERE, "cell", {"value": "one"}) is None


def test_a_missing_value_is_added_where_that_is_wanted() -> None:
    cell = Cell(value=None, may_add=True)
    _, state = Values(cell).create(HERE, want("one"))
    assert (state, cell.value) == ({"value": "one"}, "one")


def test_no_longer_managing_a_value_leaves_it() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("two"))
    Values(cell).delete(HERE, "cell", state)
    assert cell.value == "two"


def test_a_refresh_takes_a_foreign_value_over() -> None:
    cell = Cell()
    _, state = Values(cell).create(HERE, want("two"))
    cell.theirs("theirs")
    seen = Values(cell).read(HERE, "cell", state)
    assert seen == state | {"value": "theirs"}
    assert update(cell, seen, "three")["previous"] == "theirs"
    assert Values(cell).read(HERE, "cell", {}) is None


def dialled(cell: Cell, state: State, desired: str) -> State:
    return Dial(cell).update(HERE, "cell", state, DialInputs(desired=desired))


def test_a_worked_out_value_comes_back_to_the_original() -> None:
    cell = Cell("6")
    _, state = Dial(cell).create(HERE, DialInputs(desired="none"))
    assert state == {"desired": "none", "original": "6", "previous": "6", "count": "0"}
    state = dialled(cell, dialled(cell, state, "canary"), "all")
    assert (cell.written, state["count"], cell.noted) == (["0", "1", "6"], "6", None)


def test_a_pause_that_was_killed_does_not_take_zero_for_the_original() -> None:
    cell = Cell("6", after=killed)
    with pytest.raises(Killed):
        Dial(cell).create(HERE, DialInputs(desired="none"))
    cell.after = lambda: None
    _, state = Dial(cell).create(HERE, DialInputs(desired="none"))
    assert dialled(cell, state, "all")["count"] == "6"


class Resting(Dial):
    """What others change while all of it runs is the original."""

    adopts = True

    def rests(self, state: State) -> bool:
        return bool(state["desired"] == "all")


def test_a_look_that_is_unsure_takes_nothing_for_the_original() -> None:
    cell, all_of_it = Cell("6"), DialInputs(desired="all")
    _, state = Resting(cell).create(HERE, all_of_it)
    cell.theirs("0")
    seen = Resting(cell).read(replace(HERE, unsure=True), "cell", state)
    assert seen == state | {"count": "0"}
    assert Resting(cell).drift(seen, None) == {"count"}
    assert Resting(cell).update(HERE, "cell", seen, all_of_it)["count"] == cell.value == "6"
    cell.theirs("2")
    assert Resting(cell).update(HERE, "cell", state, all_of_it)["original"] == "2"
    assert Resting(cell).read(HERE, "cell", state) == state | {"count": "2", "original": "2"}


def test_a_worked_out_value_that_drifted_is_mended() -> None:
    cell = Cell("6")
    _, state = Dial(cell).create(HERE, DialInputs(desired="none"))
    assert Dial(cell).drift(state, None) == frozenset()
    cell.theirs("2")
    seen = Dial(cell).read(HERE, "cell", state)
    assert seen is not None
    assert Dial(cell).drift(seen, None) == {"count"}
    assert dialled(cell, seen, "none")["count"] == "0"
    assert Values(cell).drift({"value": "a"}, want("b")) == frozenset()
