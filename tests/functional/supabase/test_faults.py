"""What goes wrong while a project is made: each ends in a named state, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import PartlyMade
from dbrestore.supabase import marks, waiting
from dbrestore.supabase.marks import Mark
from dbrestore.supabase.project import Project
from problem import Problem, Refusal
from tests.support.servers import wait_until
from tests.support.supabase.site import Site

pytestmark = pytest.mark.clouds


@pytest.fixture(scope="module")
def dump(site: Site) -> Path:
    return site.dump()


def failed(site: Site, inputs: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        Project().create(site.context(), inputs)
    return caught.value


def removed(site: Site, identity: str, state: dict[str, Any]) -> None:
    Project().delete(site.context(), identity, state)
    assert site.api.made() == []


def finished(site: Site, dump: Path) -> None:
    """The next run makes it whole, and one project is all that there is."""
    identity, state = Project().create(site.context(), site.inputs(dump))
    assert site.execute(state["ref"], "SELECT count(*) FROM shop.orders") == [(500,)]
    assert [one.ref for one in site.api.made()] == [state["ref"]]
    removed(site, identity, state)


def test_throttled_calls_are_repeated_when_supabase_says(site: Site, dump: Path) -> None:
    site.api.faults.throttled, before = 5, len(site.api.recorded)
    finished(site, dump)
    assert [one.method for one in site.api.recorded[before : before + 6]] == ["GET"] * 6


def test_a_throttled_order_is_given_once(site: Site, dump: Path) -> None:
    def throttle(line: str) -> None:
        if line.startswith("making a project"):
            site.api.faults.throttled = 2

    before = len(site.api.recorded)
    identity, state = Project().create(site.context(throttle), site.inputs(dump))
    orders = [one for one in site.api.recorded[before:] if str(one) == "POST /v1/projects"]
    assert len(orders) == 3
    assert len(site.api.made()) == 1
    removed(site, identity, state)


def test_a_token_that_expires_midway_keeps_the_project_for_the_next_run(site: Site, dump: Path) -> None:
    def expire(line: str) -> None:
        if line.endswith("COMING_UP"):
            site.api.faults.expires_after = 0

    with pytest.raises(PartlyMade) as caught:
        Project().create(site.context(expire), site.inputs(dump))
    assert caught.value.name == "supabase-token-refused"
    assert "export SUPABASE_ACCESS_TOKEN" in caught.value.cure
    assert len(site.api.made()) == 1
    site.api.faults.expires_after = None
    state = Project().update(site.context(), caught.value.identity, caught.value.state, site.inputs(dump))
    assert state["status"] == "ready"
    removed(site, caught.value.identity, state)


def test_a_project_that_never_becomes_healthy_ends_in_a_named_state(
    site: Site, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "HEALTHY_SECONDS", 1.5)
    site.api.faults.stuck = "ACTIVE_UNHEALTHY"
    problem = failed(site, site.inputs(dump))
    assert isinstance(problem, PartlyMade)
    assert problem.name == "supabase-not-healthy"
    assert problem.state["status"] == "making"
    assert [one.ref for one in site.api.made()] == [problem.state["ref"]], "kept, so that it is not orphaned"
    removed(site, problem.identity, problem.state)


def test_a_project_that_supabase_could_not_make_is_cleared_away(site: Site, dump: Path) -> None:
    site.api.faults.stuck = "INIT_FAILED"
    problem = failed(site, site.inputs(dump))
    assert (problem.name, type(problem)) == ("supabase-project-failed", Problem)
    assert site.api.made() == []


@pytest.mark.parametrize("status", ["INACTIVE", "PAUSE_FAILED", "RESTORE_FAILED"])
def test_a_finished_project_is_never_deleted_by_an_update(site: Site, dump: Path, status: str) -> None:
    identity, state = Project().create(site.context(), site.inputs(dump))
    [project] = site.api.made()
    project.status = status
    seen = Project().read(site.context(), identity, state)
    assert seen
    with pytest.raises(PartlyMade) as caught:
        Project().update(site.context(), identity, seen, site.inputs(dump))
    assert caught.value.name == "supabase-project-down"
    assert site.api.made() == [project]
    project.status = "ACTIVE_HEALTHY"
    mended = Project().update(site.context(), identity, caught.value.state, site.inputs(dump))
    assert {**mended, "restoredInSeconds": None} == {**state, "restoredInSeconds": None}
    removed(site, identity, mended)


def test_an_order_that_failed_after_it_made_the_project_is_not_given_again(site: Site, dump: Path) -> None:
    site.api.faults.breaks_after_create, before = True, len(site.api.recorded)
    finished(site, dump)
    assert [str(one) for one in site.api.recorded[before:]].count("POST /v1/projects") == 1


def test_without_quota_nothing_is_made(site: Site, dump: Path) -> None:
    site.api.faults.quota = True
    problem = failed(site, site.inputs(dump))
    assert (problem.name, type(problem)) == ("supabase-quota", Problem)
    assert "maximum limit of projects" in problem.what


def test_an_api_that_is_away_for_a_while_is_waited_for(site: Site, dump: Path) -> None:
    site.api.faults.away = 2
    finished(site, dump)


def test_without_network_restrictions_nothing_is_loaded(site: Site, dump: Path) -> None:
    site.api.faults.cannot_restrict = True
    problem = failed(site, site.inputs(dump))
    assert problem.name == "supabase-cannot-restrict"
    [project] = site.api.made()
    assert site.execute(project.ref, "SELECT to_regclass('shop.orders')") == [(None,)]
    removed(site, problem.identity, problem.state)  # type: ignore[attr-defined]  # of PartlyMade


def test_restrictions_that_never_hold_end_in_a_named_state(
    site: Site, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "APPLIED_SECONDS", 1.0)
    site.api.faults.restrictions_stuck = True
    problem = failed(site, site.inputs(dump))
    assert problem.name == "supabase-restrictions-late"
    removed(site, problem.identity, problem.state)  # type: ignore[attr-defined]


def test_a_load_that_fails_leaves_no_project(site: Site, dump: Path) -> None:
    def spoil(line: str) -> None:
        if line.startswith("making ") and line.endswith("objects"):
            [project] = site.api.made()
            assert site.api.platform
            site.api.platform.keep(project.ref, "DROP TABLE storage.objects")

    with pytest.raises(Problem) as caught:
        Project().create(site.context(spoil), site.inputs(dump))
    assert (caught.value.name, type(caught.value)) == ("restore-incomplete", Problem)
    assert site.api.made() == []


def test_a_loaded_project_is_not_thrown_away_because_the_api_is_away(
    site: Site, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.supabase.ATTEMPTS", 1)

    def leave(line: str) -> None:
        if line.startswith("analysing"):
            site.api.faults.away = 1

    with pytest.raises(PartlyMade) as caught:
        Project().create(site.context(leave), site.inputs(dump))
    assert caught.value.name == "supabase-away"
    [project] = site.api.made()
    assert site.execute(project.ref, "SELECT count(*) FROM shop.orders") == [(500,)]
    removed(site, caught.value.identity, caught.value.state)


def test_a_killed_load_is_cleared_and_made_anew(site: Site, dump: Path) -> None:
    code = f"""
import sys, time
from dbrestore.supabase.project import Project
from dbrestore.handler import Context
def tell(line):
    if line.startswith('loading data') or line.startswith('building'):
        time.sleep(60)
inputs = Project.inputs.model_validate_json(sys.stdin.read())
Project().create(Context({site.context().urn!r}, tell), inputs)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin
        process.stdin.write(site.inputs(dump).model_dump_json(by_alias=True).encode())
        process.stdin.close()
        wait_until(lambda: any(one.name.endswith("-loading") for one in site.api.made()), 30, "the load")
        [half] = site.api.made()
        wait_until(lambda: _exists(site, half.ref, "shop.orders"), 30, "a table")
        os.killpg(process.pid, signal.SIGKILL)
    finished(site, dump)
    assert half.ref not in site.api.projects


def _exists(site: Site, ref: str, table: str) -> bool:
    return site.execute(ref, f"SELECT to_regclass('{table}') IS NOT NULL") == [(True,)]


def test_half_made_work_of_another_dump_is_cleared(site: Site, dump: Path, tmp_path: Path) -> None:
    site.api.faults.cannot_restrict = True
    assert isinstance(failed(site, site.inputs(tmp_path / "another")), PartlyMade)
    site.api.faults.cannot_restrict = False
    finished(site, dump)


def test_a_finished_restore_of_another_dump_is_not_taken_for_this_one(site: Site, dump: Path) -> None:
    identity, state = Project().create(site.context(), site.inputs(dump))
    problem = failed(site, site.inputs(site.dump()))
    assert (problem.name, len(site.api.made())) == ("another-restore", 1)
    removed(site, identity, state)


def test_two_projects_of_one_mark_are_told_and_none_is_touched(site: Site, dump: Path) -> None:
    inputs = site.inputs(dump)
    whose = f"{site.context().urn} {inputs.source}"
    name = Mark.of(inputs.name, whose, inputs.dump.identity).at(marks.MAKING)
    both = [site.api.add(name), site.api.add(name)]
    problem = failed(site, inputs)
    assert problem.name == "supabase-two-projects"
    for one in both:
        assert one.ref in problem.what
        site.api._delete(one, None)


def test_a_clone_is_adopted_and_never_deleted(site: Site) -> None:
    clone = site.api.add("starforge-clone")
    assert site.api.platform
    inputs = site.inputs(None, adopt=clone.ref)
    Project().examine(site.context(), inputs)
    identity, state = Project().create(site.context(), inputs)
    assert (identity, state["status"]) == (clone.ref, "ready")
    assert clone.networks["dbAllowedCidrs"] == ["127.0.0.1/32"]
    assert Project().read(site.context(), identity, state) == state
    Project().delete(site.context(), identity, state)
    assert clone.ref in site.api.projects
    assert clone.networks["dbAllowedCidrs"] == ["0.0.0.0/0"], "it lets in again whom it let in before"
    assert f"DELETE /v1/projects/{clone.ref}" not in site.api.named(clone.ref)


def test_the_original_is_not_adopted(site: Site) -> None:
    with pytest.raises(Refusal, match="is the original itself"):
        Project().examine(site.context(), site.inputs(None, adopt=site.source.ref))


def test_a_machine_that_is_no_operator_is_told_and_goes_on_once_it_is(
    site: Site, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ENTRY_SECONDS", 1.0)
    problem = failed(site, site.inputs(dump, operators=["203.0.113.7/32"]))
    assert problem.name == "supabase-no-entry"
    assert "Add this machine's network to `operators`" in problem.cure
    [project] = site.api.made()
    finished(site, dump)
    assert project.ref not in site.api.projects, "it went on in the same project, and removed that"
    assert [one.path for one in site.api.recorded if one.method == "DELETE"][-1].endswith(project.ref)


def test_a_clone_that_turns_the_application_away_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "ENTRY_SECONDS", 1.0)
    clone = site.api.add("starforge-other")
    stranger = site.inputs(None, adopt=clone.ref, user="nobody-there")
    problem = failed(site, stranger)
    assert problem.name == "supabase-no-entry"
    assert "hunter22" not in str(problem)
    assert clone.networks["dbAllowedCidrs"] == ["0.0.0.0/0"], "it may be somebody else's: nobody is shut out"


def test_a_clone_that_was_restricted_gets_its_networks_back_after_a_second_try(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ENTRY_SECONDS", 1.0)
    clone = site.api.add("starforge-third")
    clone.networks = {"dbAllowedCidrs": ["198.51.100.0/24"], "dbAllowedCidrsV6": []}
    problem = failed(site, site.inputs(None, adopt=clone.ref, user="nobody-there"))
    assert isinstance(problem, PartlyMade)
    assert clone.networks["dbAllowedCidrs"] == ["127.0.0.1/32", "198.51.100.0/24"]
    inputs = site.inputs(None, adopt=clone.ref)
    state = Project().update(site.context(), problem.identity, problem.state, inputs)
    assert clone.networks["dbAllowedCidrs"] == ["127.0.0.1/32"]
    Project().delete(site.context(), problem.identity, state)
    assert clone.networks["dbAllowedCidrs"] == ["198.51.100.0/24"]
