"""The search for the commit where a question turns false: right, and with few copies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finding.search import Costs, Search, Turn, bisection, next_stop, questions, reach


class Ground:
    """Commits of which the one at ``turn`` makes it false, and a copy that only goes forward."""

    def __init__(self, count: int, turn: int, hidden: frozenset[int] = frozenset()) -> None:
        self.count, self.turn, self.hidden = count, turn, hidden
        self.position, self.copies, self.asked = -1, 1, 0

    def look(self, index: int) -> bool | None:
        if index < self.position:
            self.copies += 1
        self.position, self.asked = index, self.asked + 1
        return None if index in self.hidden else index < self.turn

    def search(self, most: int = 8, copy: float = 10.0, suspects: tuple[int, ...] = ()) -> Turn | None:
        self.run = Search(self.count, self.look, lambda: self.position, lambda: Costs(0.01, copy, most))
        return self.run.run(suspects)


@settings(deadline=None)
@given(st.data())
def test_the_turn_is_found_wherever_it_is_and_within_the_copies_allowed(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3000))
    ground = Ground(count, data.draw(st.integers(0, count - 1)))
    most, copy = data.draw(st.integers(1, 12)), data.draw(st.floats(0, 100))
    suspects = tuple(data.draw(st.lists(st.integers(0, count - 1), max_size=5)))
    assert ground.search(most, copy, suspects) == Turn(ground.turn - 1, ground.turn)
    assert ground.copies <= max(most, 2 if suspects else 1)
    assert ground.run.copies == ground.copies


@settings(deadline=None)
@given(st.data())
def test_where_nobody_can_tell_the_answer_is_the_narrowest_that_can_be_told(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 500))
    turn = data.draw(st.integers(0, count - 1))
    begin = data.draw(st.integers(0, turn))
    hidden = frozenset(range(begin, turn))  # a lock that is held until the turn
    ground = Ground(count, turn, hidden)
    assert ground.search() == Turn(begin - 1, turn)


def test_what_is_true_to_the_end_is_told_with_one_copy() -> None:
    ground = Ground(5000, 5000)
    assert ground.search() is None
    assert ground.copies == 1


def test_a_suspect_that_did_it_takes_two_questions_and_no_other_copy() -> None:
    ground = Ground(100_000, 71_234)
    assert ground.search(suspects=(12, 71_234, 99_000)) == Turn(71_233, 71_234)
    assert (ground.copies, ground.asked) == (1, 4)


def test_one_among_100_000_takes_less_than_half_of_the_copies_of_a_bisection() -> None:
    for turn in (0, 1, 50_000, 77_777, 99_999):
        ground = Ground(100_000, turn)
        assert ground.search(most=bisection(100_000) // 2, copy=5.0) == Turn(turn - 1, turn)
        assert ground.copies <= 4
        assert ground.asked < 1000


def test_where_copies_cost_nothing_it_asks_as_rarely_as_a_bisection() -> None:
    ground = Ground(100_000, 4321)
    ground.search(most=1000, copy=0.0)
    assert ground.asked <= bisection(100_000)


@pytest.mark.parametrize(
    ("eggs", "count", "asked"), [(1, 10, 10), (2, 100_000, 447), (4, 100_000, 40), (17, 100_000, 17)]
)
def test_the_puzzle_of_the_eggs(eggs: int, count: int, asked: int) -> None:
    assert questions(count, eggs) == asked
    assert reach(eggs, asked) >= count > reach(eggs, asked - 1)
    assert 1 <= next_stop(count, eggs) <= count
