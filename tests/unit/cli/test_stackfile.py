"""A stack's file is edited so that comments, order, quotes and secrets stay, and it is written whole."""

from __future__ import annotations

import copy
import difflib
import re
import stat
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.stackfile import Draft, StackFile, digest, raw_values
from problem import Misuse

FILE = """\
# kept by hand
encryptionsalt: v1:abc=
config:
  # where the original is
  reforge:source:
    provider: local # a cluster of our own
    instance: 'starforge'
  reforge:source-url:
    secure: 'v1:Zm9v:YmFyL2Jhcis9PQ=='
  reforge:restores:
    before:
      from: {time: "2025-01-01T00:00:00Z"}
    # the second try
    latest:
      from:
        latest: true # all of it

  # Where the application points.
  reforge:serving: source # now
  other:thing: [1, 2, 3]
"""


def shown(edit: Callable[[Draft], None], text: str = FILE) -> list[str]:
    """What a reviewer sees of an edit, with the sign of each line."""
    draft = Draft(text)
    edit(draft)
    lines = difflib.unified_diff(text.splitlines(), draft.text.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_a_file_that_is_not_edited_stays_as_it_is() -> None:
    assert shown(lambda draft: None) == []


def test_a_value_changes_in_its_line_and_the_comment_beside_it_stays() -> None:
    assert shown(lambda draft: draft.set("serving", to="before")) == [
        "-  reforge:serving: source # now",
        "+  reforge:serving: before # now",
    ]


def test_a_new_restore_comes_above_the_comment_of_the_next_value() -> None:
    draft = Draft(FILE)
    draft.set("restores", "third", to={"from": {"xid": "731"}})
    assert draft.text.index("third:") < draft.text.index("# Where the application points.")
    assert shown(lambda draft: draft.set("restores", "third", to={"from": {"xid": "731"}})) == [
        "+    third:",
        "+      from:",
        "+        xid: '731'",
    ]


def test_a_proof_stands_with_its_restore_and_above_the_comment_of_the_next() -> None:
    draft = Draft(FILE)
    draft.set("restores", "before", "validated", to={"by": "sre"})
    assert draft.text.index("validated:") < draft.text.index("# the second try")


def test_a_new_proof_replaces_the_old_one_and_no_comment_below_it() -> None:
    draft = Draft(FILE)
    for who in ("one", "two"):
        draft.set("restores", "latest", "validated", to={"at": "now", "by": who})
    assert "by: two\n\n  # Where the application points.\n" in draft.text
    assert "by: one" not in draft.text


def test_a_restore_goes_and_the_comment_below_it_stays() -> None:
    assert shown(lambda draft: draft.remove("restores", "latest")) == [
        "-    latest:",
        "-      from:",
        "-        latest: true # all of it",
    ]


def test_the_first_restore_goes_and_the_comment_of_the_next_stays() -> None:
    assert shown(lambda draft: draft.remove("restores", "before")) == [
        "-    before:",
        '-      from: {time: "2025-01-01T00:00:00Z"}',
    ]


def test_the_last_restore_goes_and_the_file_takes_another() -> None:
    draft = Draft(FILE)
    draft.remove("restores", "before")
    draft.remove("restores", "latest")
    assert "  reforge:restores: {}\n" in draft.text
    assert "\n\n  # Where the application points.\n  reforge:serving" in draft.text
    again = Draft(draft.text)
    again.set("restores", "fourth", to={"from": {"latest": True}})
    assert "    fourth:\n      from:\n        latest: true\n" in again.text
    assert again.text.index("fourth") < again.text.index("# Where the application points.")


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert shown(lambda draft: (draft.remove("restores", "nobody"), draft.remove("suite"))[1]) == []


def test_an_encrypted_value_and_its_quotes_are_never_touched() -> None:
    draft = Draft(FILE)
    draft.set("writing", to="none")
    draft.remove("restores", "latest")
    assert "  reforge:source-url:\n    secure: 'v1:Zm9v:YmFyL2Jhcis9PQ=='\n" in draft.text
    assert draft.text.startswith("# kept by hand\nencryptionsalt: v1:abc=\n")


@pytest.mark.parametrize("indent", ["", "  "])
def test_lists_stay_in_the_style_that_they_have(indent: str) -> None:
    text = f"config:\n  reforge:operators:\n  {indent}- 10.0.0.1/32\n  reforge:writing: all\n"
    assert shown(lambda draft: draft.set("writing", to="none"), text) == [
        "-  reforge:writing: all",
        "+  reforge:writing: none",
    ]


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=6).map(lambda name: f"n-{name}-n")
NUMBER_LIKE = re.compile(r"[-+._0-9a-fobxE]*_[-+._0-9a-fobxE]*")
"""YAML 1.1, which writes them here, leaves some without quotes that YAML 1.2 takes for broken numbers."""
LEAVES = st.one_of(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=10).filter(
        lambda text: not NUMBER_LIKE.fullmatch(text)
    ),
    st.integers(0, 10**6),
    st.booleans(),
)
RESTORES = st.dictionaries(NAMES, st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3), max_size=4)


def _text(restores: dict[str, Any]) -> str:
    """A file with a comment above every restore and after them all."""
    lines = ["config:", "  reforge:writing: all", "  reforge:restores:" + ("" if restores else " {}")]
    for number, (name, restore) in enumerate(restores.items()):
        dumped = yaml.safe_dump({name: restore}, sort_keys=False, width=4096)
        lines += [f"    # remark {number}", *(f"    {line}" for line in dumped.splitlines())]
    return "\n".join([*lines, "  # Where it points.", "  reforge:serving: source", ""])


@given(RESTORES, NAMES, st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3))
def test_whatever_restores_there_are_one_is_added_and_no_comment_moves(
    restores: dict[str, Any], name: str, declared: dict[str, Any]
) -> None:
    text = _text(restores)
    draft = Draft(text)
    draft.set("restores", name, to=declared)
    expected = copy.deepcopy(restores) | {name: declared}
    assert raw_values(draft.text, Path("x")) == {"writing": "all", "restores": expected, "serving": "source"}
    assert _remarks(draft.text) == _remarks(text)


@given(st.data(), RESTORES.filter(lambda restores: len(restores) > 1))
def test_whatever_restores_there_are_one_is_removed_and_no_comment_moves(
    data: st.DataObject, restores: dict[str, Any]
) -> None:
    text, name = _text(restores), data.draw(st.sampled_from(list(restores)))
    draft = Draft(text)
    draft.remove("restores", name)
    expected = {other: one for other, one in restores.items() if other != name}
    assert raw_values(draft.text, Path("x"))["restores"] == expected
    assert sorted(_remarks(draft.text)) == sorted(_remarks(text))
    assert "  # Where it points.\n  reforge:serving: source\n" in draft.text


def _remarks(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("#")]


@pytest.fixture
def file(tmp_path: Path) -> StackFile:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(FILE)
    return StackFile(path)


def test_a_file_is_replaced_whole_with_the_mode_that_it_had(file: StackFile) -> None:
    file.path.chmod(0o640)
    assert file.raw["serving"] == "source"
    file.write(FILE.replace("source # now", "before"))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640
    assert file.raw["serving"] == "before"
    assert [one.name for one in file.path.parent.iterdir()] == ["Pulumi.local.yaml"]


def test_a_link_to_the_file_stays_a_link(file: StackFile) -> None:
    link = file.path.with_name("Pulumi.other.yaml")
    link.symlink_to(file.path.name)
    StackFile(link).write("config: {}\n")
    assert link.is_symlink()
    assert file.path.read_text() == "config: {}\n"


def test_a_write_that_fails_leaves_the_file_as_it_was(file: StackFile) -> None:
    with pytest.raises(UnicodeEncodeError):
        file.write("config:\n  \ud800: 1\n")
    assert file.path.read_text() == FILE


def test_the_diff_shows_no_password(file: StackFile) -> None:
    url = "postgresql://app:hunter2@db:5432/starforge"
    diff = file.diff(file.edited(lambda draft: draft.set("source-url", to=url)))
    assert "+  reforge:source-url: postgresql://app:***@db:5432/starforge" in diff
    assert "hunter2" not in diff


def test_the_diff_of_nothing_is_empty_and_the_digest_follows_the_text(file: StackFile) -> None:
    assert file.diff(file.text) == ""
    assert file.digest == digest(FILE) != digest(FILE + "\n")
    assert file.digest.startswith("sha256:")


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="reforge init") as caught:
        _ = StackFile(tmp_path / "Pulumi.prod.yaml").text
    assert caught.value.name == "no-stack"


@pytest.mark.parametrize(
    "text",
    [
        "config: [1, 2\n",
        "config:\n  - a list\n",
        "just text\n",
        "config: 2025-13-45\n",
        "config:\n  reforge:serving: source\n  reforge:serving: other\n",
    ],
)
def test_what_is_no_stack_file_is_told_and_never_edited(file: StackFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(Misuse) as caught:
        file.edited(lambda draft: draft.set("writing", to="none"))
    assert caught.value.name == "config-not-yaml"
    assert "Pulumi.local.yaml" in caught.value.what
    assert file.path.read_text() == text


def test_bytes_that_are_no_text_are_told(file: StackFile) -> None:
    file.path.write_bytes(b"config:\n  a: \xff\n")
    with pytest.raises(Misuse, match="not UTF-8"):
        _ = file.raw


def test_a_plain_value_that_is_no_number_after_all_is_told() -> None:
    with pytest.raises(Misuse, match="looks like a number") as raised:
        Draft("config:\n  reforge:suite: ._\n")
    assert (raised.value.name, raised.value.cure) == ("config-not-yaml", "Put it in quotes.")
