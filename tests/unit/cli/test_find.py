"""What ``reforge find`` prints and proposes, and what it refuses before it searches."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from finding import hunt, scene
from finding.answer import Answer, Effort
from finding.deeds import Deeds
from finding.scene import Scene
from finding.touches import Touch
from finding.transactions import Ending
from tests.unit.cli.conftest import STACK, Reforge

NOW = datetime.now(UTC)
DONE = Ending(731, NOW - timedelta(hours=2, minutes=13, seconds=5), 0x3000168, 0x3000190)
FOUND = Answer(
    commit=DONE,
    before=Ending(730, DONE.time - timedelta(seconds=1), 0x3000100, 0x3000128),
    deed="5 rows deleted",
    deeds=Deeds({"public.accounts": Touch(deleted=5)}, ("public.old",), ("public.orders",)),
    evidence="asked",
    effort=Effort(32 * 2**20, 22 * 2**20, 5, 1, 3, 380 * 2**20, 4.2),
    last=Ending(800, NOW, 0x4000000, 0x4000028),
    backup="monday",
    timeline=1,
    target=("--xid", "731", "--exclusive"),
    between=2,
    others=((Ending(700, NOW - timedelta(days=1), 0x2000000, 0x2000028), "3 rows deleted"),),
)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[tuple[object, ...]]]:
    """Have every search give this answer; what was asked is listed."""

    def play(answer: Answer) -> list[tuple[object, ...]]:
        asked: list[tuple[object, ...]] = []

        def searched(_self: object, *words: object) -> Answer:
            asked.append(words)
            return answer

        monkeypatch.setattr(hunt.Hunt, "table", searched)
        monkeypatch.setattr(hunt.Hunt, "probe", searched)
        monkeypatch.setattr(
            scene,
            "scene_of",
            lambda source, tell: Scene(None, None, source.database, Path(), None, tell),  # type: ignore[arg-type]
        )
        return asked

    return play


def test_the_moment_is_told_with_its_age_its_deeds_and_the_next_command(
    reforge: Reforge, answers: Callable[[Answer], list[tuple[object, ...]]]
) -> None:
    asked = answers(FOUND)
    out = reforge("find", "--table", "public.accounts").out
    assert asked == [("public.accounts", "lost", False)]
    assert "Found: public.accounts: 5 rows deleted" in out
    assert re.search(r"\b2 h \d+ min ago", out)  # the other tests of this process have taken their time
    assert "LSN:         0/3000168, timeline 1" in out
    for line in ("dropped public.old", "emptied or rewrote public.orders", "public.accounts: 5 deleted"):
        assert line in out
    assert "2 commits before it, while the table was locked" in out
    assert "22 MiB copied into one restore for 3 questions; a bisection" in out
    assert "3 rows deleted" in out
    assert "Next: reforge restore before-public-accounts --xid 731 --exclusive" in out


def test_one_document_for_scripts(
    reforge: Reforge, answers: Callable[[Answer], list[tuple[object, ...]]]
) -> None:
    asked = answers(replace(FOUND, before=None))
    document = reforge("--json", "find", "--probe", "SELECT true").document
    assert asked == [("SELECT true",)]
    assert (document["moment"]["xid"], document["moment"]["lsn"]) == (731, "0/3000168")
    assert document["moment"]["time"].endswith("Z")
    assert document["lastGood"] is None
    assert document["deeds"]["rows"]["public.accounts"]["deleted"] == 5
    assert document["effort"]["bytesCopied"] == 22 * 2**20
    assert document["command"] == "reforge restore before-transaction-731 --xid 731 --exclusive"


def test_what_cannot_be_restored_to_says_why(
    reforge: Reforge, answers: Callable[[Answer], list[tuple[object, ...]]]
) -> None:
    answers(replace(FOUND, target=(), hindrance="the segment is missing"))
    ended = reforge("find", "--table", "accounts", "--dropped", "--prove")
    assert "It cannot be restored to: the segment is missing" in ended.out
    assert "Next:" not in ended.out


def test_a_name_that_a_restore_has_already_is_not_proposed(
    reforge: Reforge, project: Path, answers: Callable[[Answer], list[tuple[object, ...]]]
) -> None:
    answers(FOUND)
    taken = "reforge:restores:\n    before-accounts:\n      from: {latest: true}\n"
    (project / "Pulumi.local.yaml").write_text(STACK.replace("reforge:restores: {}\n", taken))
    assert "restore before-accounts-2 --xid" in reforge("find", "--table", '"accounts"').out
    named = reforge("find", "--table", "accounts", "--restore-name", "as-we-say").out
    assert "restore as-we-say --xid" in named


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "find-what"),
        (["--table", "a", "--probe", "SELECT true"], "find-what"),
        (["--probe", "SELECT true", "--dropped"], "find-what"),
        (["--table", "a", "--after", "2025-12-03T14:23:00"], "target-invalid"),
        (["--table", "a", "--restore-name", "Odd_Name"], "restore-name"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_read(
    reforge: Reforge, answers: Callable[[Answer], list[tuple[object, ...]]], words: list[str], name: str
) -> None:
    asked = answers(FOUND)
    ended = reforge("--json", "find", *words, expect=2)
    assert ended.document["error"]["name"] == name
    assert asked == []
