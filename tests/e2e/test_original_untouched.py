"""No command changes the original: not one that succeeds, not one that fails, not one that is refused.

The application's writes are stopped. The fingerprint (see ``rehearsal.original``) is of what the
original holds and of its data directory's files, and is taken again after every single command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archive.lsn import parse_lsn
from archive.segments import Segment
from rehearsal.driver import Answer
from rehearsal.original import Fingerprint
from tests.support.incident import Incident

STATES = {"paused", "restored", "validated", "validation-failed", "cut-over", "proposed", "failed"}
READING = {"sources", "status", "preview"}


@dataclass
class Watch:
    """Runs commands, and holds the original against its fingerprint after each."""

    incident: Incident
    before: Fingerprint

    @classmethod
    def over(cls, incident: Incident) -> Watch:
        return cls(incident, incident.fingerprint())

    def run(self, *words: str, expect: int = 0, **secrets: str) -> Answer:
        answer = self.incident.reforge.run(*words, expect=expect, secrets=secrets)
        assert self.incident.fingerprint() == self.before, (
            f"`reforge {shlex.join(words)}` changed the original"
        )
        assert "Traceback" not in answer.words
        return answer

    def fails(self, *words: str, expect: int, says: list[str]) -> None:
        """The command ends with an exit code, in words that say what, where and what next."""
        answer = self.run(*words, expect=expect)
        error = answer.document["error"]
        assert error["exit"] == expect
        assert f"Error: {error['what']}" in answer.words
        for part in says:
            assert part in answer.words
        self.stands()

    def stands(self) -> dict[str, Any]:
        """``reforge status`` gives a named state, and a next command that works.

        It is the failed command itself where its cause lies outside of it, and may still be there.
        """
        status = self.run("status").document
        assert status["state"] in STATES, status
        words = shlex.split(status["next"])
        assert words, status
        if status["last"]["command"] != f"reforge {status['next']}":
            self.run(*words, *([] if words[0] in READING else ["--dry-run"]))
        return status


@pytest.fixture(scope="module")
def watch(incident: Incident) -> Watch:
    return Watch.over(incident)


def test_commands_that_look_change_nothing(watch: Watch) -> None:
    url = watch.incident.site.record.source_url
    watch.run("doctor")
    watch.run("schema")
    watch.run("shellenv")
    assert watch.run("sources").document["backups"][0]["name"] == "monday"
    assert watch.run("status").document["state"] == "paused"
    assert "***" in watch.run("env", "source").document["url"]
    assert watch.run("fingerprint", REFORGE_FINGERPRINT_URL=url).document["tables"]
    assert watch.run("validate", REFORGE_VALIDATE_URL=url).document["passed"] is True
    watch.run("preview")
    watch.run("pause", "--yes")


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        (
            ["--time", "2026-01-01T00:00:00"],
            2,
            ["reforge:restores.bad.from.time", "has no zone", "write 2026-01-01T00:00:00Z"],
        ),
        (["--time", "{early}"], 1, ["bad", "before the end of base backup monday", "--snapshot monday"]),
        (["--time", "{tomorrow}"], 1, ["bad", "ahead: here it is", "--latest"]),
        (
            ["--restore-point", "nowhere"],
            1,
            ["bad", "Restore point nowhere is not in the WAL", "Check its spelling"],
        ),
        (
            ["--xid", "4000000000"],
            1,
            ["bad", "Transaction 4000000000 is not in the WAL", "Check its spelling"],
        ),
        (
            ["--snapshot", "tuesday"],
            1,
            ["bad", "There is no base backup tuesday", "There: monday", "reforge sources"],
        ),
        (["--latest", "--port", "{taken}"], 1, ["bad", "Port {taken} on 127.0.0.1 is taken", "another port"]),
        ([], 2, ["Restore bad to what?", "--time"]),
    ],
    ids=["no-zone", "early", "future", "unknown-point", "unknown-xid", "unknown-backup", "port", "no-target"],
)
def test_a_restore_that_cannot_be_is_refused_in_words(
    watch: Watch, target: list[str], code: int, says: list[str]
) -> None:
    known = {
        "early": (watch.incident.backup.started_at - timedelta(hours=1)).isoformat(),
        "tomorrow": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "taken": str(watch.incident.site.record.pgbouncer_port),
    }
    words = [word.format(**known) for word in target]
    watch.fails("restore", "bad", *words, "--yes", expect=code, says=[part.format(**known) for part in says])
    nothing_of_it(watch, "bad")


def test_missing_wal_is_named_with_what_can_still_be_reached(watch: Watch) -> None:
    backup = watch.incident.backup
    with moved_away(watch, segment(watch, backup.start_lsn)) as name:
        cause = "is missing (never archived, or removed)"
        says = [f"WAL segment {name}", cause, "later segments are there", "Bring the segment back"]
        words = ["restore", "bad", "--time", watch.incident.target, "--yes"]
        watch.fails(*words, expect=1, says=says)
    nothing_of_it(watch, "bad")


def test_wal_that_is_not_archived_yet_is_another_error(watch: Watch) -> None:
    """Every segment from the accident on is away, as if the archiver were behind."""
    first = segment(watch, parse_lsn(watch.incident.accident.lsn))
    later = [path for path in archived(watch) if path.name >= first.name]
    with moved_away(watch, *later):
        says = [f"{first.name} is not in", "and no later segment is", "SELECT pg_switch_wal()"]
        watch.fails("restore", "bad", "--time", watch.incident.target, "--yes", expect=1, says=says)
    nothing_of_it(watch, "bad")


def test_a_damaged_backup_is_found_before_anything_of_it_is_used(watch: Watch) -> None:
    file = max(
        (Path(str(watch.incident.backup.folder)) / "base").rglob("[0-9]*"),
        key=lambda path: path.stat().st_size,
    )
    with flipped(file):
        says = ["monday", file.name, "bad"]
        watch.fails("restore", "bad", "--time", watch.incident.target, "--yes", expect=1, says=says)
    nothing_of_it(watch, "bad")


def test_a_restore_from_its_making_to_its_end(watch: Watch) -> None:
    watch.run("restore", "good", "--time", watch.incident.target, "--yes")
    watch.fails("cutover", "good", "--yes", expect=3, says=["'good' is not validated", "--waive REASON"])
    watch.fails(
        "cutover", "goof", "--yes", expect=2, says=["'goof' is not a restore; did you mean good?", "status"]
    )
    watch.fails("apply", expect=3, says=["no plan to apply"])
    watch.run("validate", "good", "--yes")
    assert watch.stands()["state"] == "validated"
    watch.run("cutover", "good", "--yes")
    watch.fails("teardown", "good", "--yes", expect=3, says=["good serves the application", "rollback"])
    watch.run("resume", "--canary", "--yes")
    watch.run("resume", "--yes")
    watch.run("pause", "--yes")
    watch.run("rollback", "--yes")
    watch.run("teardown", "good", "--yes")
    nothing_of_it(watch, "good")


def test_a_restore_that_fails_its_validation_is_removed_next(watch: Watch) -> None:
    watch.run("restore", "late", "--latest", "--yes")
    answer = watch.run("validate", "late", "--yes", expect=1)
    assert answer.document["passed"] is False
    assert "column users.name does not exist" in answer.words
    status = watch.stands()
    assert (status["state"], status["next"]) == ("validation-failed", "teardown late")
    watch.run("teardown", "late", "--yes")
    nothing_of_it(watch, "late")


def nothing_of_it(watch: Watch, name: str) -> None:
    """Neither in the config nor on the machine; what is next is to look, or to do it again once mended."""
    status = watch.run("status").document
    assert status["state"] in ("paused", "failed")
    assert status["next"] == "sources" or status["next"].startswith(f"restore {name} ")
    assert status["restores"] == {}
    assert watch.incident.left_of(name, port=1) == []


def archived(watch: Watch) -> list[Path]:
    return sorted(path for path in watch.incident.site.record.archive.iterdir() if len(path.name) == 24)


def segment(watch: Watch, lsn: int) -> Path:
    """The archived file that holds a WAL position."""
    backup = watch.incident.backup
    found = Segment(backup.timeline, lsn // backup.segment_size, backup.segment_size)
    return watch.incident.site.record.archive / found.name


@contextmanager
def moved_away(watch: Watch, *files: Path) -> Iterator[str]:
    """Archived segments that are somewhere else for the while of the block; the first one's name."""
    elsewhere = watch.incident.site.record.home / "elsewhere"
    elsewhere.mkdir()
    for file in files:
        file.rename(elsewhere / file.name)
    try:
        yield files[0].name
    finally:
        for file in files:
            (elsewhere / file.name).rename(file)
        elsewhere.rmdir()


@contextmanager
def flipped(file: Path) -> Iterator[None]:
    """A file with one bit wrong for the while of the block, its size and time the same."""
    content = file.read_bytes()
    middle = len(content) // 2
    try:
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        yield
    finally:
        file.write_bytes(content)
