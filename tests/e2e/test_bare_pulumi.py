"""The whole incident by an editor and a bare pulumi: what a reviewer reads, what happens, what is refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.golden import in_order
from tests.support.small_site import REPOSITORY, Ground, Project, small_site

GOLDEN = Path(__file__).with_name("golden")
NAME = "before-accident"
URN = f"urn:pulumi:local::reforge::dbrestore:postgres:Instance::{NAME}"
NONE = "  reforge:restores: {}\n"
WAIVED = """      waived:
        reason: compared by hand with the ledger
        by: alice
        at: "2026-01-01T00:00:00Z"
"""


def declared(ground: Ground, accepted: str = "") -> str:
    """A restore to just before the accident, as somebody writes it."""
    return f'  reforge:restores:\n    {NAME}:\n      from:\n        time: "{ground.target}"\n{accepted}'


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with small_site() as made:
        yield made


def told(project: Project, ground: Ground, text: str) -> str:
    """A preview's text with a word for each value that differs from run to run."""
    record = project.site.record
    known = {
        str(record.folder): "SITE",
        ground.target: "JUST-BEFORE-THE-ACCIDENT",
        str(record.postgres_port): "SOURCE-PORT",
        str(record.pgbouncer_port): "POOLER-PORT",
    }
    for value, word in known.items():
        text = text.replace(value, word)
    text = re.sub(r"(port: |127\.0\.0\.1:|=> )\d{4,5}\b", r"\1RESTORE-PORT", text)
    return in_order(text)


def test_every_stage_reads_well_does_what_it_says_and_is_done_once(
    ground: Ground, golden: Callable[[Path, str], None]
) -> None:
    with ground.project("by-hand") as project:
        by_hand = Stages(project, ground, golden)
        source = project.site.record.postgres_port
        by_hand.stage("pause", "reforge:writing: all", "reforge:writing: none")
        assert project.workers() == 0
        by_hand.stage("restore", NONE, declared(ground))
        by_hand.stage("waive", declared(ground), declared(ground, WAIVED))
        assert project.served_port() == source
        by_hand.stage("cutover", "reforge:serving: source", f"reforge:serving: {NAME}")
        assert project.served_port() == project.port_of(NAME) != source
        by_hand.stage("canary", "reforge:writing: none", "reforge:writing: canary")
        assert project.workers() == 1
        by_hand.stage("resume", "reforge:writing: canary", "reforge:writing: all")
        assert project.workers() == 3
        by_hand.stage("rollback", f"reforge:serving: {NAME}", "reforge:serving: source")
        assert project.served_port() == source
        by_hand.stage("removal", declared(ground, WAIVED), NONE)
        assert list(project.restores.iterdir()) == []


class Stages:
    """Edits, each reviewed, applied and applied again."""

    def __init__(self, project: Project, ground: Ground, golden: Callable[[Path, str], None]) -> None:
        self.project, self.ground, self.golden = project, ground, golden

    def stage(self, name: str, old: str, new: str) -> None:
        self.project.edit(old, new)
        preview = self.project.pulumi("preview", "--diff")
        self.golden(GOLDEN / f"{name}.txt", told(self.project, self.ground, preview.out))
        self.project.pulumi("up", "--yes")
        self.project.pulumi("up", "--yes", "--expect-no-changes")


def test_a_refresh_finds_nothing_new_and_a_destroy_leaves_all_but_the_restore(ground: Ground) -> None:
    with ground.project("refresh") as project:
        before = files(project)
        project.edit(NONE, declared(ground, WAIVED))
        project.pulumi("up", "--yes")
        project.pulumi("refresh", "--yes", "--expect-no-changes")
        project.pulumi("up", "--yes", "--expect-no-changes")
        project.pulumi("destroy", "--yes")
        assert files(project) == before
        assert list(project.restores.iterdir()) == []
        assert project.served_port() == project.site.record.postgres_port
        assert project.workers() == 3


def test_a_destroy_is_refused_while_a_restore_serves(ground: Ground) -> None:
    with ground.project("destroy") as project:
        project.edit(NONE, declared(ground, WAIVED))
        project.edit("reforge:serving: source", f"reforge:serving: {NAME}")
        project.edit("reforge:writing: all", "reforge:writing: none")
        project.pulumi("up", "--yes")
        port = project.port_of(NAME)
        before = project.pulumi("stack", "export").out
        refused = project.pulumi("destroy", "--yes", expect=None)
        assert refused.code != 0
        assert "cannot be deleted\nbecause it is protected" in refused.text.replace("    ", "")
        assert project.pulumi("stack", "export").out == before, "a refused destroy forgot something"

        # Somebody insists: the plugin itself refuses too, and the application does not notice.
        project.pulumi("state", "unprotect", URN, "--yes")
        refused = project.pulumi("destroy", "--yes", expect=None)
        assert refused.code != 0
        assert f"{NAME} serves the application; it is not removed." in refused.text
        assert "Traceback" not in refused.text
        assert project.served_port() == port

        # What ran before the pause is still known, and comes back.
        project.edit(f"reforge:serving: {NAME}", "reforge:serving: source")
        project.edit("reforge:writing: none", "reforge:writing: all")
        project.pulumi("up", "--yes")
        assert project.served_port() == project.site.record.postgres_port
        assert project.workers() == 3
        project.pulumi("destroy", "--yes")


def files(project: Project) -> dict[str, bytes]:
    """What the stages of an incident write outside of the restore."""
    record = project.site.record
    paths = [record.app / "etl.env", record.app / "flags.env", record.pooler / "pgbouncer.ini"]
    return {path.name: path.read_bytes() for path in paths}


def test_the_repository_itself_is_a_project(ground: Ground) -> None:
    folder = ground.home / "clone"
    # Neither the machine's own files nor the examples of stacks.
    left_out = shutil.ignore_patterns(".*", "__pycache__", "tests", "Pulumi.*.yaml")
    shutil.copytree(REPOSITORY, folder, ignore=left_out)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    project = ground.init(folder)
    # The project's own .venv serves the language host and the plugin.
    assert project.shell.pop("REFORGE_PYTHON")
    project.pulumi("up", "--yes", "--expect-no-changes")
    project.edit(NONE, declared(ground))
    project.pulumi("up", "--yes")
    project.pulumi("refresh", "--yes", "--expect-no-changes")
    project.pulumi("destroy", "--yes")
    assert project.left() == {}
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def serving(ground: Ground) -> Iterator[Project]:
    """A project whose restore serves. Refused edits leave it as it is."""
    with ground.project("serving") as project:
        project.edit(NONE, declared(ground, WAIVED))
        project.edit("reforge:serving: source", f"reforge:serving: {NAME}")
        project.pulumi("up", "--yes")
        yield project
        project.edit(f"reforge:serving: {NAME}", "reforge:serving: source")
        project.pulumi("up", "--yes")
        project.pulumi("destroy", "--yes")


BAD_EDITS = {
    "an unvalidated restore serves": (WAIVED, "", f"reforge:serving: '{NAME}' is not validated"),
    "a time without zone": ('time: "TARGET"', 'time: "2025-12-03 14:23:00"', "has no zone; write"),
    "a time without quotes": ('time: "TARGET"', "time: 2025-12-03T14:23:00Z", "stands there without quotes"),
    "a misspelt key": ("reforge:writing:", "reforge:writting:", "did you mean writing?"),
    "a misspelt value": ("reforge:writing: all", "reforge:writing: al", "did you mean all?"),
    "the serving restore removed": ("DECLARED", NONE, f"'{NAME}' is not a restore"),
    "another target for a restore": ('time: "TARGET"', "latest: true", "is never rebuilt in place"),
    "the serving restore removed at its rollback": ("DECLARED", NONE, "cannot be deleted"),
}


@pytest.mark.parametrize("edit", BAD_EDITS)
def test_a_bad_edit_is_refused_in_the_same_words_by_both(serving: Project, ground: Ground, edit: str) -> None:
    old, new, words = BAD_EDITS[edit]
    good = serving.config.read_text()
    try:
        serving.edit(
            old.replace("TARGET", ground.target).replace("DECLARED", declared(ground, WAIVED)),
            new,
        )
        if edit.endswith("at its rollback"):
            serving.edit(f"reforge:serving: {NAME}", "reforge:serving: source")
        ours = serving.reforge("preview", expect=None)
        theirs = serving.pulumi("preview", "--diff", expect=None)
    finally:
        serving.config.write_text(good)
    assert ours.code in (1, 2)
    assert theirs.code != 0
    said = ours.document["error"]["what"]
    assert words in said
    # The engine puts the resource's type before its name, and indents.
    assert "".join(said.split()[1:]) in "".join(theirs.text.split())
    for text in (ours.text, theirs.text):
        assert "Traceback" not in text
        assert ".py" not in text
    assert serving.served_port() == serving.port_of(NAME)
