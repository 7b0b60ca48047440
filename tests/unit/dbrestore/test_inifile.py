"""Editing pgbouncer's ini: the entry that counts is found, and only its three words change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbrestore.pgbouncer.inifile import Address, Entry, find_entry
from problem import Problem

NEW = Address("10.0.0.9", 6000, "app")


def entry(folder: Path, text: str, database: str = "app") -> Entry:
    path = folder / "pgbouncer.ini"
    path.write_bytes(text.encode())
    return find_entry(path, database)


def edited(folder: Path, line: str, address: Address = NEW) -> str:
    """What becomes of one line of [databases]."""
    text = entry(folder, f"[databases]\n{line}\n[pgbouncer]\n").pointing_at(address)
    assert text.startswith("[databases]\n")
    assert text.endswith("\n[pgbouncer]\n")
    return text[len("[databases]\n") : -len("\n[pgbouncer]\n")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("app = host=a port=1 dbname=app", "app = host=10.0.0.9 port=6000 dbname=app"),
        ("app=host=a port=1", "app=host=10.0.0.9 port=6000"),
        ("  app  =  host = a   port= 1  ", "  app  =  host = 10.0.0.9   port= 6000  "),
        ("app = port=1 host=a", "app = port=6000 host=10.0.0.9"),
        ("app = host='a' port='1'", "app = host='10.0.0.9' port='6000'"),
        ("app = host=a", "app = host=10.0.0.9 port=6000"),
        ("app = password='it''s host=x' host=a", "app = password='it''s host=x' host=10.0.0.9 port=6000"),
        (
            "app = host=a connect_query='SELECT 1' port=1",
            "app = host=10.0.0.9 connect_query='SELECT 1' port=6000",
        ),
        ("app = host=a host=b port=6000", "app = host=a host=10.0.0.9 port=6000"),
        ("app =", "app = host=10.0.0.9 port=6000"),
        ('"app" = host=a port=6000', '"app" = host=10.0.0.9 port=6000'),
        ("app = host=a\napp = host=b port=6000", "app = host=a\napp = host=10.0.0.9 port=6000"),
        ("app = host=a port=6000\r", "app = host=10.0.0.9 port=6000\r"),
    ],
)
def test_changes_host_and_port_and_nothing_else(tmp_path: Path, line: str, expected: str) -> None:
    assert edited(tmp_path, line) == expected


def test_changes_the_database_only_where_it_differs(tmp_path: Path) -> None:
    there = Address("a", 5432, "it's")
    assert edited(tmp_path, "app = host=a dbname=old", there) == "app = host=a dbname='it''s'"
    assert edited(tmp_path, "app = host=a", there) == "app = host=a dbname='it''s'"
    assert edited(tmp_path, "app = host=a", Address("a", 5432, "app")) == "app = host=a"


def test_comments_other_sections_and_other_names_are_not_the_entry(tmp_path: Path) -> None:
    text = "; app = host=c\n# app = host=d\n[users]\napp = pool_mode=session\n[databases]\n;app = host=e\n"
    text += "app2 = host=f\nmy.app = host=h\napp = host=right\n[pgbouncer]\napp = 1\n"
    found = entry(tmp_path, text)
    assert found.address == Address("right", 5432, "app")
    assert found.pointing_at(Address("new", 5432, "app")) == text.replace("right", "new")


def test_follows_includes_and_goes_on_in_the_section(tmp_path: Path) -> None:
    (tmp_path / "part.ini").write_text("app = host=included\n[users]\n")
    main = "[databases]\n%include part.ini\napp = host=in-users-section\n"
    found = entry(tmp_path, main)
    assert (found.path, found.address.host) == (tmp_path / "part.ini", "included")
    absolute = entry(tmp_path, f"[databases]\napp = host=first\n%include {tmp_path}/part.ini\n")
    assert absolute.address.host == "included"


def test_bytes_that_are_no_utf8_stay(tmp_path: Path) -> None:
    path = tmp_path / "pgbouncer.ini"
    path.write_bytes(b"[databases]\n; caf\xe9\napp = host=a\n")
    text = find_entry(path, "app").pointing_at(NEW)
    assert text.encode("utf-8", "surrogateescape").startswith(b"[databases]\n; caf\xe9\napp = host=10.0.0.9")


@pytest.mark.parametrize(
    ("text", "name", "cure"),
    [
        ("[databases]\nother = host=a\n", "route-not-in-config", "app = host=... port=5432 dbname=app"),
        ("[databases]\n* = host=a port=7\n", "route-not-in-config", "app = host=a port=7 dbname=app"),
        (
            "[databases]\n* = host=a password=hush\n",
            "route-not-in-config",
            "app = (the words of the * entry)",
        ),
        ("app = host=a\n", "route-not-in-config", "app ="),
        ("[databases]\napp = host=a # now\n", "route-unreadable", "app = host="),
        ("[databases]\napp = host='a\n", "route-unreadable", "app = host="),
        ("[databases]\n%include none.ini\n", "include-not-found", "absolute path"),
    ],
)
def test_tells_what_to_write_where_there_is_no_entry(tmp_path: Path, text: str, name: str, cure: str) -> None:
    with pytest.raises(Problem) as caught:
        entry(tmp_path, text)
    assert caught.value.name == name
    assert cure in caught.value.cure
    assert "hush" not in str(caught.value)


def test_a_port_that_is_no_number_and_a_file_that_includes_itself(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="pgbouncer accepts"):
        _ = entry(tmp_path, "[databases]\napp = port=x\n").address
    with pytest.raises(Problem, match="included more than"):
        entry(tmp_path, "[databases]\n%include pgbouncer.ini\n")
    with pytest.raises(Problem, match="cannot be read"):
        find_entry(tmp_path / "none.ini", "app")


VALUES = st.text(st.characters(codec="ascii", exclude_characters="\n\r\0"), min_size=1, max_size=12)
OTHER_WORDS = st.dictionaries(st.sampled_from(["user", "password", "pool_size", "connect_query"]), VALUES)


@given(
    others=OTHER_WORDS,
    address=st.builds(Address, VALUES, st.integers(1, 65535), VALUES),
    noise=st.sampled_from(["", "; note\n", "other = host=x port=1\n", "\n\n", "\t# x = y\n"]),
)
def test_whatever_is_written_reads_back_and_the_rest_stays(
    tmp_path_factory: pytest.TempPathFactory, others: dict[str, str], address: Address, noise: str
) -> None:
    folder = tmp_path_factory.mktemp("ini")
    words = " ".join(f"{key}='{value.replace(chr(39), chr(39) * 2)}'" for key, value in others.items())
    found = entry(folder, f"{noise}[databases]\n{noise}app = {words} host=old\n{noise}[pgbouncer]\n{noise}")
    again = entry(folder, found.pointing_at(address))
    assert again.address == address
    assert entry(folder, again.pointing_at(found.address)).address == found.address
    kept = {key: span.raw for key, span in found.words.items() if key not in ("host", "port", "dbname")}
    assert {key: span.raw for key, span in again.words.items() if key in kept} == kept
    assert again.pointing_at(address) == again.text
    assert len(again.text.split("\n")) == len(found.text.split("\n"))
