"""What holds data is torn down in two steps, and never while it serves."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.model import broken_rules
from stacks.restores import Released
from tests.unit.stacks.examples import VALIDATED

LATEST: dict[str, Any] = {"from": {"latest": True}}


def test_a_release_says_what_is_kept() -> None:
    kept = Released.model_validate(LATEST | {"release": True, "final-snapshot": "last-of-r"})
    dropped = Released.model_validate(LATEST | {"release": True, "final-snapshot": "none"})
    assert (kept.kept_as, dropped.kept_as) == ("last-of-r", None)


@pytest.mark.parametrize(
    ("half", "told"),
    [
        ({"release": True}, "`release` needs `final-snapshot`: a name for it, or none"),
        ({"final-snapshot": "x"}, "`final-snapshot` has no meaning without `release: true`"),
    ],
)
def test_one_without_the_other_is_refused(half: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Released.model_validate(LATEST | half)


def test_a_serving_restore_keeps_its_protections() -> None:
    released = LATEST | {"validated": VALIDATED, "release": True, "final-snapshot": "none"}
    raw = {"restores": {"r": released}, "serving": "r"}
    assert broken_rules(raw) == [
        "reforge:restores.r.release: it serves; a serving restore keeps its protections"
    ]
    assert broken_rules(raw | {"serving": "source"}) == []
