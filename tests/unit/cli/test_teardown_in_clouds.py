"""A teardown in a cloud: two diffs behind one command, which goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.events import Event
from problem import Problem
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import PlayedEngine, urn

INSTANCE = "aws:rds/instance:Instance"
LOCAL = """    provider: local
    instance: starforge
    database: starforge
    backups: /srv/backups
    archive: /srv/wal
    directory: /srv/restores
"""
CLOUD = "    provider: aws-rds\n    instance: prod\n    database: starforge\n"
RESTORES = """reforge:restores:
    before:
      from: {latest: true}
"""
RELEASED = "release: true\n      final-snapshot: last\n"


@pytest.fixture
def file(project: Path, played: PlayedEngine) -> Path:
    """A stack in RDS with a restore that is made."""
    path = project / "Pulumi.local.yaml"
    path.write_text(STACK.replace(LOCAL, CLOUD).replace("reforge:restores: {}\n", RESTORES))
    played.resources = [{"urn": urn("before", INSTANCE)}]
    return path


def test_one_command_does_both_steps_and_the_first_may_remove_nothing(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    ended = reforge("--json", "teardown", "before", "--final-snapshot", "last", "--yes")
    assert played.calls.count("preview") == played.calls.count("up") == 2
    assert ended.document["step"] == "removal"
    assert ended.document["position"] == "normal"
    assert "+      release: true" in ended.err
    assert "before" not in file.read_text()


def test_the_first_step_waits_for_its_review_and_the_same_command_goes_on(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    first = reforge("--json", "teardown", "before", "--final-snapshot", "last").document
    assert (first["step"], first["position"], first["next"]) == ("release", "proposed", "apply")
    assert RELEASED in file.read_text()
    reforge("apply")
    status = reforge("--json", "status").document
    assert (status["state"], status["next"]) == ("half-torn-down", "teardown before")
    played.steps = [Event("planned", urn("before", INSTANCE), "delete")]
    second = reforge("--json", "teardown", "before").document
    assert second["step"] == "removal"
    assert reforge("--json", "apply").document["position"] == "normal"


def test_the_removal_never_comes_before_the_release_is_applied(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    played.fails["up"] = Problem("engine-failed", "The credentials have expired.")
    reforge("teardown", "before", "--final-snapshot", "last", "--yes", expect=1)
    assert RELEASED in file.read_text()
    assert reforge("--json", "status").document["next"] == "teardown before --final-snapshot last --yes"
    played.fails.clear()
    played.calls.clear()
    reforge("teardown", "before", "--yes")
    assert played.calls.count("up") == 2


def test_a_removal_that_failed_midway_goes_on(reforge: Reforge, played: PlayedEngine, file: Path) -> None:
    reforge("teardown", "before", "--final-snapshot", "last")
    reforge("apply")
    played.fails["up"] = Problem("engine-failed", "The credentials have expired.")
    reforge("teardown", "before", "--yes", expect=1)
    assert reforge("--json", "status").document["next"] == "teardown before --yes"
    played.fails.clear()
    assert reforge("--json", "teardown", "before", "--yes").document["position"] == "normal"


def test_the_first_step_is_held_against_the_gate(reforge: Reforge, played: PlayedEngine, file: Path) -> None:
    text = file.read_text()
    played.steps = [Event("planned", urn("before", INSTANCE), "replace")]
    ended = reforge("--json", "teardown", "before", "--final-snapshot", "none", "--yes", expect=3)
    assert ended.document["error"]["name"] == "data-loss"
    assert file.read_text() == text


def test_nobody_having_said_what_is_kept_is_asked(reforge: Reforge, played: PlayedEngine, file: Path) -> None:
    ended = reforge("--json", "teardown", "before", "--yes", expect=2)
    assert ended.document["error"]["name"] == "final-snapshot-unsaid"
    assert "--final-snapshot" in ended.document["error"]["cure"]
    assert "preview" not in played.calls


def test_another_last_snapshot_is_another_first_step(reforge: Reforge, file: Path) -> None:
    reforge("teardown", "before", "--final-snapshot", "last")
    reforge("apply")
    again = reforge("--json", "teardown", "before", "--final-snapshot", "none").document
    assert again["step"] == "release"
    assert "final-snapshot: none" in file.read_text()


def test_a_restore_that_was_never_made_needs_no_release(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    played.resources = []
    ended = reforge("--json", "teardown", "before", "--yes").document
    assert ended["step"] == "removal"
    assert "before" not in file.read_text()


def test_a_replica_that_somebody_else_made_is_only_forgotten(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    file.write_text(file.read_text().replace("{latest: true}", "{replica: prod-near}"))
    ended = reforge("--json", "teardown", "before", "--final-snapshot", "last", expect=2)
    assert ended.document["error"]["name"] == "option-wrong"
    assert reforge("--json", "teardown", "before", "--yes").document["step"] == "removal"


def test_nothing_of_a_cloud_is_taken_in_by_its_name(
    reforge: Reforge, played: PlayedEngine, file: Path
) -> None:
    """The original's name is an instance that is there: adopting it would begin its removal."""
    told = reforge("--json", "teardown", "prod", "--yes").err
    assert "look for it in the cloud" in told, "a teardown that passes it over says so"
    assert not [call for call in played.calls if call.startswith("adopt")]


def test_a_last_snapshot_of_a_local_restore_is_refused(reforge: Reforge, played: PlayedEngine) -> None:
    ended = reforge("--json", "teardown", "before", "--final-snapshot", "last", expect=2)
    assert ended.document["error"]["name"] == "option-wrong"


def test_a_released_restore_does_not_hide_what_the_incident_needs_next(reforge: Reforge, file: Path) -> None:
    file.write_text(file.read_text().replace("writing: all", "writing: none"))
    reforge("teardown", "before", "--final-snapshot", "last")
    reforge("apply")
    status = reforge("--json", "status").document
    assert status["state"] == "paused"
    assert "`reforge teardown before` removes it" in status["words"]
