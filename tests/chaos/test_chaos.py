"""One incident that is killed at random comes through; ``make chaos`` plays as many as are asked for."""

from __future__ import annotations

import pytest

from tests.chaos.killing import STAGES, VICTIMS, Kill
from tests.chaos.run import play
from tests.chaos.site import chaos_site


@pytest.mark.slow
def test_a_killed_incident_comes_through_by_what_status_prints() -> None:
    with chaos_site() as site:
        result = play(site, seed=5, number=1)
    assert result.whole, result.line


def test_a_seed_gives_the_same_kills_again_and_leaves_none_out() -> None:
    kills = [Kill.of(7, number) for number in range(500)]
    assert kills == [Kill.of(7, number) for number in range(500)]
    assert kills != [Kill.of(8, number) for number in range(500)]
    assert {(kill.stage, kill.victim) for kill in kills} == {(s, v) for s in STAGES for v in VICTIMS}
