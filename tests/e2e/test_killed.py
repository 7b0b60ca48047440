"""Whatever is killed, and whenever: a named state, a next command that works, and nothing left in the end.

The moment is held by stopping (SIGSTOP) the plugin at a phase of its own record, or by a transaction
that keeps pgbouncer's PAUSE waiting; only then comes the kill.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from rehearsal.processes import postmasters
from tests.support.killing import DEADLINE, Run, held_transaction, settled, started
from tests.support.servers import wait_until
from tests.support.small_site import Ground, Project, small_site

NAME = "before-accident"
UNPAUSED_SECONDS = 8.0
"""Within this pgbouncer lets clients through again: the plugin's grace of 3 s, and a busy machine."""


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with small_site() as made:
        yield made


def phase(project: Project) -> str:
    """How far the plugin's own record says that the restore is."""
    try:
        found = json.loads((project.restores / NAME / "reforge-instance.json").read_text())
    except (OSError, ValueError):
        return ""
    return str(found["phase"])


def at(project: Project, moment: str) -> Callable[[], bool]:
    """Whether a restore has come to a moment, and not further."""
    if moment == "copying":
        return lambda: phase(project) == "copying"
    return lambda: phase(project) == "recovering" and bool(postmasters(project.restores))


STATES = {"engine": "failed", "plugin": "failed", "command": "interrupted"}
"""What status names after a kill: our command tells of the others' ends."""


def go_on(project: Project, state: str) -> None:
    """Type exactly what status prints."""
    known = project.status
    assert known["state"] == state, known
    assert known["words"]
    assert known["next"]
    project.reforge(*shlex.split(known["next"]))


MOMENTS = [
    ("copying", "engine"),
    pytest.param("copying", "plugin", marks=pytest.mark.slow),
    pytest.param("copying", "command", marks=pytest.mark.slow),
    pytest.param("replaying", "engine", marks=pytest.mark.slow),
    ("replaying", "plugin"),
    ("replaying", "command"),
]


@pytest.mark.parametrize(("moment", "which"), MOMENTS)
def test_a_restore_goes_on_after_a_kill(ground: Ground, moment: str, which: str) -> None:
    with ground.project(f"{moment}-{which}") as project:
        killed_restore(project, ground.target, moment, which)
        go_on(project, STATES[which])
        assert project.status["state"] == "restored"
        # It is whole: as many users as before the accident, which emptied a table.
        assert rows(project, NAME) > 0
        project.pulumi("up", "--yes", "--expect-no-changes")
        project.reforge("teardown", NAME, "--yes")


@pytest.mark.parametrize(("moment", "which"), [*MOMENTS[1:4], ("replaying", "plugin")])
def test_a_killed_restore_can_be_torn_down_instead(ground: Ground, moment: str, which: str) -> None:
    with ground.project(f"down-{moment}-{which}") as project:
        killed_restore(project, ground.target, moment, which)
        project.reforge("teardown", NAME, "--yes")
        assert project.left() == {}
        assert project.status["state"] == "normal"


@pytest.mark.slow
def test_an_apply_that_was_killed_is_proposed_and_applied_again(ground: Ground) -> None:
    with ground.project("apply") as project:
        project.reforge("restore", NAME, "--time", ground.target)
        with started(project, "apply") as run:
            with run.held(at(project, "copying"), "copying"):
                run.kill("engine")
            assert run.end()[0] == 1
        settled(project)
        go_on(project, "failed")
        go_on(project, "proposed")
        assert rows(project, NAME) > 0
        assert project.status["state"] == "restored"
        project.reforge("teardown", NAME, "--yes")


def killed_restore(project: Project, target: str, moment: str, which: str) -> None:
    with started(project, "restore", NAME, "--time", target, "--yes") as run:
        with run.held(at(project, moment), moment):
            assert at(project, moment)(), "the plugin was stopped too late"
            run.kill(which)
            if which == "command":
                still_at_work(project, run)
        code, said = run.end()
        assert code == (-signal.SIGKILL if which == "command" else 1), said
        if which != "command":
            assert "in the middle of its work" in said
            assert "Run the same command again" in said
        assert "Traceback" not in said
        settled(project)


def still_at_work(project: Project, run: Run) -> None:
    """The engine goes on by itself, and nobody else may begin."""
    # The kernel wakes stopped processes whose group has lost its parent.
    os.kill(run.pid("plugin"), signal.SIGSTOP)
    known = project.status
    assert (known["state"], known["next"]) == ("running", "status")
    refused = project.reforge("restore", "another", "--latest", expect=3)
    assert "is still running" in refused.document["error"]["what"]


def rows(project: Project, name: str) -> int:
    """Rows of the table that the accident emptied."""
    url = project.reforge("env", name, "--show").document["url"]
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM user_troops").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        ("copying", "Ctrl-C"),
        ("replaying", "SIGTERM"),
        pytest.param("replaying", "Ctrl-C", marks=pytest.mark.slow),
        pytest.param("copying", "hang-up", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_restore_ends_in_a_named_state_and_the_same_command_resumes(
    ground: Ground, moment: str, how: str
) -> None:
    with ground.project(f"{moment}-{how}") as project:
        words = ("restore", NAME, "--time", ground.target, "--yes")
        with started(project, *words) as run:
            with run.held(at(project, moment), moment):
                if how == "Ctrl-C":  # as a terminal does it
                    os.killpg(run.command.pid, signal.SIGINT)
                else:
                    run.command.send_signal({"SIGTERM": signal.SIGTERM, "hang-up": signal.SIGHUP}[how])
                time.sleep(1)  # the engine tells the plugin, which may be done in less once it goes on
            code, said = run.end()
        assert code == 130, said
        assert "Run the same command again" in said
        assert "Traceback" not in said
        settled(project)
        known = project.status
        assert known["state"] == "interrupted"
        assert shlex.split(known["next"]) == list(words)
        go_on(project, "interrupted")
        assert rows(project, NAME) > 0
        project.reforge("teardown", NAME, "--yes")


def test_a_second_run_is_refused_while_the_first_works(ground: Ground) -> None:
    with ground.project("second") as project:
        with started(project, "restore", NAME, "--time", ground.target, "--yes") as run:
            with run.held(at(project, "copying"), "copying"):
                known = project.status
                assert (known["state"], known["next"]) == ("running", "status")
                for words in (["restore", "another", "--latest"], ["pause"], ["teardown", NAME], ["preview"]):
                    refused = project.reforge(*words, expect=3)
                    assert "is still running" in refused.document["error"]["what"]
            assert run.end()[0] == 0
        assert project.status["state"] == "restored"
        project.reforge("teardown", NAME, "--yes")


@pytest.mark.parametrize(
    "which",
    [
        "engine",
        pytest.param("plugin", marks=pytest.mark.slow),
        pytest.param("command", marks=pytest.mark.slow),
    ],
)
def test_a_cut_over_goes_on_after_a_kill_and_nobody_stays_paused(ground: Ground, which: str) -> None:
    with ground.project(f"cutover-{which}") as project:
        accepted(project, ground)
        with started(project, "cutover", NAME, "--yes") as run:
            with held_transaction(project):
                wait_until(project.paused, DEADLINE, "PAUSE")
                run.kill(which)
                if which != "command":  # without it the engine goes on, and may wait for its clients
                    wait_until(lambda: not project.paused(), UNPAUSED_SECONDS, "RESUME")
            wait_until(lambda: not project.paused(), UNPAUSED_SECONDS, "RESUME")
            assert project.served_port() in (project.site.record.postgres_port, restored_port(project))
            run.end()
        settled(project)
        assert not project.paused()
        go_on(project, STATES[which])
        assert project.served_port() == restored_port(project)
        project.pulumi("up", "--yes", "--expect-no-changes")
        project.reforge("rollback", "--yes")
        assert project.served_port() == project.site.record.postgres_port
        project.reforge("teardown", NAME, "--yes")


def test_a_rollback_leads_back_what_a_killed_cut_over_has_moved(ground: Ground) -> None:
    with ground.project("moved") as project:
        accepted(project, ground)
        line = project.site.record.app / "etl.env"
        before = line.read_text()
        with started(project, "cutover", NAME, "--yes") as run:
            with held_transaction(project):
                wait_until(project.paused, DEADLINE, "PAUSE")
                run.kill("all")
            wait_until(lambda: not project.paused(), UNPAUSED_SECONDS, "RESUME")
            run.end()
        settled(project)
        move(project, restored_port(project))  # as one has done that was killed a moment later
        assert project.served_port() == restored_port(project)
        assert line.read_text() != before
        project.reforge("rollback", "--yes")
        assert project.served_port() == project.site.record.postgres_port
        assert line.read_text() == before
        project.reforge("teardown", NAME, "--yes")


def move(project: Project, port: int) -> None:
    """Lead everybody to another server, past the engine's state."""
    record = project.site.record
    for path in (record.pooler / "pgbouncer.ini", record.app / "etl.env"):
        path.write_text(path.read_text().replace(f"{record.postgres_port}", f"{port}"))
    with psycopg.connect(record.admin_url, autocommit=True, prepare_threshold=None) as console:
        psycopg.ClientCursor(console).execute("RELOAD")


def test_writers_come_back_though_the_pause_was_killed(ground: Ground) -> None:
    with ground.project("killed-pause") as project:
        workers = project.workers()
        with started(project, "pause", "--yes") as run:
            with run.held(lambda: project.workers() == 0, "the end of the workers"):
                run.kill("all")
            run.end()
        settled(project)
        project.reforge("resume", "--yes")
        assert project.workers() == workers > 0


@pytest.mark.slow
def test_a_bare_engine_that_is_killed_in_a_cut_over_leaves_nobody_paused(ground: Ground) -> None:
    with ground.project("bare") as project:
        accepted(project, ground)
        project.edit("reforge:serving: source", f"reforge:serving: {NAME}")
        command = ["pulumi", "up", "--yes", "--stack", "local", "--non-interactive"]
        with (
            held_transaction(project),
            subprocess.Popen(
                command, cwd=project.folder, env=project.shell, stdout=subprocess.DEVNULL
            ) as engine,
        ):
            wait_until(project.paused, DEADLINE, "PAUSE")
            engine.kill()
            wait_until(lambda: not project.paused(), UNPAUSED_SECONDS, "RESUME")
        settled(project)
        assert project.served_port() == project.site.record.postgres_port
        # Nobody but a person knows that the engine whose lock is left was this one.
        go_on(project, "not-applied")
        locked = project.reforge("apply", expect=1).document["error"]
        assert locked["name"] == "stack-locked"
        assert "pulumi cancel" in locked["cure"]
        project.pulumi("cancel", "--yes")
        go_on(project, "failed")
        go_on(project, "proposed")
        assert project.served_port() == restored_port(project)
        project.reforge("rollback", "--yes")
        project.reforge("teardown", NAME, "--yes")


def restored_port(project: Project) -> int:
    return int(json.loads((project.restores / NAME / "reforge-instance.json").read_text())["port"])


def accepted(project: Project, ground: Ground) -> None:
    """One edit and one up: a restore that may serve."""
    time = f'\n    {NAME}:\n      from:\n        time: "{ground.target}"\n'
    why = "      waived:\n        reason: not what is tested here\n        by: alice\n"
    project.edit(
        "reforge:restores: {}\n", f'reforge:restores:{time}{why}        at: "2026-01-01T00:00:00Z"\n'
    )
    project.reforge("preview")
    project.reforge("apply")
