"""``reforge find`` names the accident and proposes a restore that works; nothing of it stays."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.support.small_site import Ground, Project, small_site


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with small_site() as made:
        yield made


@pytest.fixture
def project(ground: Ground) -> Iterator[Project]:
    with ground.project("find") as made:
        yield made


def test_the_accident_is_found_by_its_table_and_by_a_probe_and_the_proposed_restore_is_planned(
    ground: Ground, project: Project
) -> None:
    accident = ground.accident
    by_table = project.reforge("find", "--table", "user_troops", "--restore-name", "before-accident").document
    assert by_table["moment"]["xid"] == int(accident.xid)
    assert by_table["effort"]["bytesCopied"] == 0
    by_probe = project.reforge("find", "--probe", "SELECT count(*) > 0 FROM user_troops").document
    assert by_probe["evidence"] == "asked"
    assert [by_probe["moment"][key] for key in ("xid", "lsn")] == [
        by_table["moment"][key] for key in ("xid", "lsn")
    ]
    assert by_probe["effort"]["copies"] == 1
    words = shlex.split(by_table["command"])
    assert words[0] == "reforge"
    planned = project.reforge(*words[1:], "--dry-run")
    assert planned.document["state"] == "dry-run"
    assert "before-accident" in planned.document["config_diff"]


def test_wrong_usage_is_told_what_to_give(project: Project) -> None:
    asked = project.reforge("find", expect=2)
    assert asked.document["error"]["name"] == "find-what"
    unzoned = project.reforge("find", "--table", "users", "--after", "2025-12-03T14:23:00", expect=2)
    assert "has no time zone" in unzoned.text
    unknown = project.reforge("find", "--table", "user_trops", expect=2)
    assert "Did you mean public.user_troops" in unknown.text
    named = project.reforge("find", "--table", "users", "--restore-name", "Odd_Name", expect=2)
    assert "nearest: odd-name" in named.text
