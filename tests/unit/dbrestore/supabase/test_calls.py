"""What Reforge can ask of Supabase: a list, in which nothing restores in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.supabase import READS, Reader
from dbrestore.supabase.api import WRITES, Api
from problem import Misuse, Problem, Refusal
from tests.support.supabase.management import Management

ROOT = Path(__file__).parents[4]
REF = "abcdefghijklmnopqrst"
IN_PLACE = (
    "POST /v1/projects/{ref}/database/backups/restore-pitr",
    "POST /v1/projects/{ref}/database/backups/restore-physical",
    "POST /v1/projects/{ref}/database/backups/restore",
    "POST /v1/projects/{ref}/database/backups/undo",
    "POST /v1/projects/{ref}/restore",
    "POST /v1/projects/{ref}/pause",
    "POST /v1/projects/{ref}/upgrade",
    "POST /v1/projects/{ref}/database/query",
)
"""Of the published API: all that changes the data or the state of a project that exists."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Management]:
    with Management() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def test_all_that_changes_anything_is_this() -> None:
    assert WRITES == {
        "POST /v1/projects",
        "PATCH /v1/projects/{ref}",
        "DELETE /v1/projects/{ref}",
        "POST /v1/projects/{ref}/network-restrictions/apply",
    }
    assert all(call.startswith("GET ") for call in READS)


@pytest.mark.parametrize("call", IN_PLACE)
def test_a_restore_in_place_cannot_be_called(api: Management, call: str) -> None:
    project = api.add("starforge")
    with pytest.raises(Refusal, match="does not call"):
        Api().call(call, project.ref, {"recovery_time_target_unix": 0})
    assert api.recorded == []


@pytest.mark.parametrize("ref", [f"{REF}/database/backups/restore-pitr", "..", "a/b", REF[:-1], f"{REF}?x="])
def test_a_path_cannot_be_smuggled_in_by_a_ref(api: Management, ref: str) -> None:
    for call in sorted(READS | WRITES - {"POST /v1/projects"}):
        if "{ref}" in call:
            with pytest.raises(Refusal):
                Api().call(call, ref)
    assert api.recorded == []


def test_what_reads_cannot_change_anything(api: Management) -> None:
    for call in WRITES:
        with pytest.raises(Refusal):
            Reader().call(call, REF)
    assert api.recorded == []


def test_the_fake_would_have_overwritten_it(api: Management) -> None:
    """The test above can fail: the call is there, and does what it does at Supabase."""
    project = api.add("starforge")
    later = {"recovery_time_target_unix": int(project.latest.timestamp()) + 60}
    assert api._restore_pitr(project, later).status == 400
    assert not project.overwritten
    api._restore_pitr(project, {"recovery_time_target_unix": int(project.latest.timestamp())})
    assert project.overwritten


def test_nobody_else_speaks_http_with_supabase() -> None:
    files = [*(ROOT / "dbrestore/supabase").glob("*.py"), *(ROOT / "stacks/providers/supabase").glob("*.py")]
    assert len(files) > 8
    named = {
        alias.name.split(".")[0]
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    }
    assert not named & {"httpx", "requests", "urllib3", "http", "aiohttp"}


def test_without_a_token_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPABASE_ACCESS_TOKEN", raising=False)
    with pytest.raises(Misuse, match="SUPABASE_ACCESS_TOKEN is not set"):
        Reader()


def test_the_limit_of_calls_is_kept_by_retry_after(api: Management) -> None:
    api.faults.throttled, api.faults.retry_after = 1, "1.6"
    assert Reader().projects() == []
    assert (len(api.recorded), api.hasty) == (2, 0)


def test_throttling_without_an_end_has_a_name(api: Management, monkeypatch: pytest.MonkeyPatch) -> None:
    api.faults.throttled, api.faults.retry_after = 9, "3600"
    with pytest.raises(Problem, match="too many requests") as caught:
        Reader().projects()
    assert (caught.value.name, len(api.recorded)) == ("supabase-throttled", 1), "it is not waited for in vain"


def test_a_call_that_may_be_made_twice_is_repeated_while_supabase_is_away(api: Management) -> None:
    project = api.add("starforge")
    api.faults.away = 1
    Api().rename(project.ref, "before-accident")
    assert (project.name, len(api.recorded)) == ("before-accident", 2)


def test_an_order_is_not_repeated_blindly(api: Management) -> None:
    api.faults.away = 1
    with pytest.raises(Problem) as caught:
        Api().create({})
    assert (caught.value.name, len(api.recorded)) == ("supabase-away", 1)


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "supabase-refused"), (401, "supabase-token-refused"), (402, "supabase-quota"),
     (403, "supabase-denied"), (404, "supabase-project-missing")],
)  # fmt: skip
def test_each_refusal_of_supabase_has_a_name_and_a_cure(
    api: Management, monkeypatch: pytest.MonkeyPatch, status: int, name: str
) -> None:
    from tests.support.supabase.shapes import refusal

    monkeypatch.setattr(api, "_routed", lambda _call: refusal(status, "so it says"))
    with pytest.raises(Problem, match="so it says") as caught:
        Reader().project(REF)
    assert caught.value.name == name
    assert caught.value.cure
