"""Editing a dotenv file's text: one value changes, all else stays byte for byte."""

from __future__ import annotations

from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from dbrestore.envfile.dotenv_text import find, with_value
from problem import Misuse


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("K=old\n", "new", "K=new\n"),
        ("K=old", "new", "K=new"),
        ("# c\nA=1\nK=old # why\nB=2\n", "new", "# c\nA=1\nK=new # why\nB=2\n"),
        ("export K=old\n", "new", "export K=new\n"),
        ("  export  K = old\n", "new", "  export  K = new\n"),
        ("K='old'\n", "it's", "K='it\\'s'\n"),
        ('K="old" # c\n', 'a "b"', 'K="a \\"b\\"" # c\n'),
        ("K=old\r\nB=2\r\n", "new", "K=new\r\nB=2\r\n"),
        ("K=1\nK=2\n", "new", "K=1\nK=new\n"),
        ("K=\n", "new", "K=new\n"),
        ("K= # c\n", "new", "K= new # c\n"),
        ("K\n", "new", "K=new\n"),
        ("K=old\n", "two words", "K='two words'\n"),
        ("K=old\n", "", "K=\n"),
        ("K='old'\n", "", "K=''\n"),
        ("K=old # c\n", "", "K= # c\n"),
        ("'K'=old\n", "new", "'K'=new\n"),
        ("\ufeffK=old\n", "new", "\ufeffK=new\n"),
        ("=broken=\nK=old\n", "new", "=broken=\nK=new\n"),
        ('K="a\nb"\nB=1\n', "new", 'K="new"\nB=1\n'),
        ("KK=1\nXK=2\nK=old\n", "new", "KK=1\nXK=2\nK=new\n"),
        ("K=a#b\n", "c#d", "K=c#d\n"),
        ("K=old\n", "postgresql://u:p@h:5432/d?sslmode=x&y=1", "K=postgresql://u:p@h:5432/d?sslmode=x&y=1\n"),
    ],
)
def test_one_value_changes(text: str, value: str, expected: str) -> None:
    assert with_value(text, "K", value) == expected
    assert dotenv_values(stream=StringIO(expected))["K"] == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "K=v\n"), ("A=1\n", "A=1\nK=v\n"), ("A=1", "A=1\nK=v\n"), ("A=1\r\n", "A=1\r\nK=v\r\n")],
)
def test_a_missing_key_is_added_at_the_end(text: str, expected: str) -> None:
    assert find(text, "K") is None
    assert with_value(text, "K", "v") == expected


@pytest.mark.parametrize("text", ["K=old\n", "K='old'\n", 'K="old"\n', "A=1\n"])
def test_a_value_that_no_quoting_keeps_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(Misuse) as caught:
        with_value(text, "K", "hush\rhush")
    assert caught.value.name == "value-unwritable"
    assert "hush" not in str(caught.value)


LINES = st.lists(
    st.sampled_from(
        ["# c", "", "A=1", "export B='x y' # z", 'C="q\\"r"', "=bad", "D", "E= # e", "F=a#b", "K=0", "K='0'"]
    )
)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@given(
    before=LINES, after=LINES, value=VALUES, style=st.sampled_from(["K=x", "K='x'", 'K="x" # c', "K= x #c"])
)
def test_any_value_reads_back_and_all_other_lines_stay(
    before: list[str], after: list[str], value: str, style: str
) -> None:
    after = [line for line in after if not line.startswith("K")]
    text = "\n".join([*before, style, *after, ""])
    changed = with_value(text, "K", value)
    found = find(changed, "K")
    assert found is not None
    assert found.value == value
    head, tail = "\n".join([*before, ""]), "\n".join(["", *after, ""])
    assert changed.startswith(head if before else "")
    assert changed.endswith(tail)
    assert with_value(changed, "K", value) == changed
