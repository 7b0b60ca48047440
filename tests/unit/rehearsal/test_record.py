"""The record claims a home for one rehearsal at a time and survives its death."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from problem import Problem, Refusal
from rehearsal.record import Record, read
from rehearsal.site import Site


def test_a_record_comes_back_as_it_was_and_only_we_can_read_it(tmp_path: Path) -> None:
    record = Record.new(tmp_path, tmp_path / "site")
    assert read(tmp_path) is None
    record.claim()
    assert read(tmp_path) == record
    assert stat.S_IMODE((tmp_path / "site.json").stat().st_mode) == 0o600
    record.release()
    assert read(tmp_path) is None


def test_ports_and_passwords_differ(tmp_path: Path) -> None:
    record = Record.new(tmp_path, tmp_path)
    assert len({record.postgres_port, record.pgbouncer_port, record.api_port}) == 3
    assert len({record.password, record.superuser_password, record.console_password}) == 3


def test_a_home_with_a_living_owner_is_refused(tmp_path: Path) -> None:
    record = Record.new(tmp_path, tmp_path / "site")
    record.claim()
    with pytest.raises(Refusal) as raised:
        record.claim()
    assert raised.value.name == "rehearsal-running"
    with pytest.raises(Refusal):
        Site.create(tmp_path)
    assert read(tmp_path) == record


def test_an_owner_whose_pid_another_process_has_now_is_dead(tmp_path: Path) -> None:
    record = Record.new(tmp_path, tmp_path)
    assert record.owned
    assert not replace(record, owner=(record.owner[0], "1")).owned
    assert not replace(record, owner=(2**22 + 1, "1")).owned


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"home": 1}'])
def test_a_spoiled_record_is_a_problem_with_its_path(text: str, tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text(text)
    with pytest.raises(Problem, match=r"site\.json") as raised:
        read(tmp_path)
    assert raised.value.name == "site-unreadable"
