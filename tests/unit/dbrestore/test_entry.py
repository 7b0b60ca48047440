"""``envfile:Entry``: writes a value, remembers what was there, and never overwrites somebody's edit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dbrestore.envfile.entry import Entry
from dbrestore.handler import Context
from problem import Problem, Refusal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("# app\nexport DATABASE_URL='one' # set by hand\nDEBUG=0\n")
    path.chmod(0o640)
    return path


def declared(path: Path, value: str, **more: Any) -> Any:
    return Entry.inputs.model_validate({"path": path, "key": "DATABASE_URL", "value": value} | more)


def context() -> Context:
    return Context("urn:pulumi:test::reforge::dbrestore:envfile:Entry::url")


def test_writes_one_value_there_and_back(file: Path) -> None:
    text = file.read_text()
    identity, state = Entry().create(context(), declared(file, "two"))
    assert file.read_text() == text.replace("one", "two")
    assert file.stat().st_mode & 0o7777 == 0o640
    assert identity == f"{file}#DATABASE_URL"
    assert (state["original"], state["previous"]) == ("one", "one")
    state = Entry().update(context(), identity, state, declared(file, "three"))
    assert (state["original"], state["previous"], state["value"]) == ("one", "two", "three")
    Entry().update(context(), identity, state, declared(file, "one"))
    assert file.read_text() == text


def test_all_values_are_secret() -> None:
    assert Entry.secrets == {"value", "original", "previous"}


def test_a_value_that_is_already_there_is_not_written(file: Path) -> None:
    inode = file.stat().st_ino
    _, state = Entry().create(context(), declared(file, "one"))
    again = Entry().update(context(), "", state, declared(file, "one"))
    assert again == state
    assert file.stat().st_ino == inode


def test_a_value_changed_meanwhile_is_refused_until_it_was_read(file: Path) -> None:
    _, state = Entry().create(context(), declared(file, "two"))
    file.write_text(file.read_text().replace("two", "hush-theirs"))
    with pytest.raises(Refusal) as caught:
        Entry().update(context(), "", state, declared(file, "three"))
    assert caught.value.name == "changed-meanwhile"
    assert "hush-theirs" not in str(caught.value)
    assert "hush-theirs" in file.read_text()
    seen = Entry().read(context(), "", state)
    assert seen == state | {"value": "hush-theirs"}
    state = Entry().update(context(), "", seen, declared(file, "three"))
    assert (state["previous"], state["original"]) == ("hush-theirs", "one")


def test_an_update_that_was_killed_after_writing_goes_on(file: Path) -> None:
    _, state = Entry().create(context(), declared(file, "two"))
    file.write_text(file.read_text().replace("two", "three"))
    state = Entry().update(context(), "", state, declared(file, "three"))
    assert (state["value"], state["original"]) == ("three", "one")


def test_a_missing_key_is_added_only_where_that_is_wanted(file: Path) -> None:
    with pytest.raises(Problem) as caught:
        Entry().create(context(), declared(file, "x", key="OTHER"))
    assert caught.value.name == "key-missing"
    _, state = Entry().create(context(), declared(file, "x", key="OTHER", create=True))
    assert file.read_text().endswith("DEBUG=0\nOTHER=x\n")
    assert "original" not in state
    with pytest.raises(Problem, match="cannot be read"):
        Entry().create(context(), declared(file.parent / "none.env", "x", create=True))


def test_read_tells_where_the_line_or_the_file_is_gone(file: Path) -> None:
    identity, state = Entry().create(context(), declared(file, "two"))
    assert Entry().read(context(), identity, state) == state
    assert Entry().read(context(), identity, {}) is None
    Entry().delete(context(), identity, state)
    assert "two" in file.read_text()
    file.write_text("DEBUG=0\n")
    assert Entry().read(context(), identity, state) is None
    file.unlink()
    assert Entry().read(context(), identity, state) is None


def test_two_entries_of_one_file_at_once_lose_nothing(file: Path) -> None:
    file.write_text("A=0\nB=0\n")

    def write(key: str) -> None:
        _, state = Entry().create(context(), declared(file, "0", key=key))
        for number in range(1, 20):
            state = Entry().update(context(), "", state, declared(file, str(number), key=key))

    threads = [threading.Thread(target=write, args=[key]) for key in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() == "A=19\nB=19\n"


def test_a_key_that_no_shell_takes_is_refused(file: Path) -> None:
    with pytest.raises(ValidationError):
        declared(file, "x", key="A B")
