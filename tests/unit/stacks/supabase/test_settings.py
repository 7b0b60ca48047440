"""What the config of a stack on Supabase may say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.stacks.examples import good, the_line

REF = "abcdefghijklmnopqrst"
URL = f"postgresql://postgres.{REF}:hunter2@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"


def config(restore: dict[str, Any], **source: Any) -> dict[str, Any]:
    known = {"provider": "supabase", "instance": REF, **source}
    return good(source=known, source_url=URL, restores={"r": restore})


@pytest.mark.parametrize(
    ("restore", "words"),
    [
        (
            {"from": {"time": "2025-12-03T14:23:00Z"}},
            "does not restore from a time yet (allowed: dump, adopt)",
        ),
        ({"from": {"snapshot": "monday"}}, "does not restore from a snapshot yet"),
        ({"from": {"adopt": REF}}, f"restores.r.from.adopt: {REF} is the original itself"),
        ({"from": {"adopt": "short"}}, "is not a project's ref"),
        ({"from": {"adopt": "z" * 20}, "size": "large"}, "have no meaning with adopt"),
        ({"from": {"dump": "/d"}, "size": "huge"}, "'huge' is not one of nano, micro"),
        ({"from": {"dump": "/d", "locale": "C"}}, "a project's database has its own"),
        ({"from": {"dump": "/d"}, "release": True, "final-snapshot": "last"}, "only `none` is possible"),
        ({"from": {"dump": "/d"}, "release": True}, "`release` needs `final-snapshot`"),
    ],
)
def test_what_cannot_be_is_told(restore: dict[str, Any], words: str) -> None:
    assert words in the_line(config(restore))


def test_what_stands_for_the_original_is_not_adopted() -> None:
    like = "z" * 20
    assert f"{like} is the one that restores are like" in the_line(
        config({"from": {"adopt": like}}, like=like)
    )


def test_a_source_is_named_by_its_ref() -> None:
    assert "source.instance" in the_line(config({"from": {"dump": "/d"}}, instance="starforge"))


def test_two_restores_cannot_adopt_one_project() -> None:
    raw = config({"from": {"adopt": "z" * 20}})
    raw["restores"]["s"] = raw["restores"]["r"]
    assert f"r and s cannot both adopt {'z' * 20}" in the_line(raw)
