"""The engine's event log is followed as the engine writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.events import Event, follow

FLAG = "urn:pulumi:local::reforge::dbrestore:envfile:Entry::flag:/srv/flags.env#ingestion"


def said(text: str, severity: str = "info", moment: int = 1) -> str:
    event = {"urn": FLAG, "message": f"{text}\n", "severity": severity}
    return json.dumps({"sequence": 0, "timestamp": 1795504500 + moment, "diagnosticEvent": event}) + "\n"


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    """An engine that works until its stdin ends."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process


def heard(log: Path, engine: subprocess.Popen[bytes], *chunks: str) -> list[str]:
    """What is heard while the log is written chunk by chunk; ``-`` empties it, as the engine does."""
    rest, found = list(chunks), []

    def go_on() -> None:
        if not rest:
            assert engine.stdin
            engine.stdin.close()
            return
        chunk = rest.pop(0)
        with log.open("w" if chunk.startswith("-") else "a") as file:
            file.write(chunk.removeprefix("-"))

    def hear(event: Event) -> None:
        found.append(event.text)
        go_on()

    log.touch()
    go_on()
    follow(log, engine, hear)
    return found


def test_events_come_one_by_one_as_they_are_written(tmp_path: Path, engine: subprocess.Popen[bytes]) -> None:
    log = tmp_path / "events.jsonl"
    assert heard(log, engine, said("one"), said("two"), said("three")) == ["one", "two", "three"]


@pytest.mark.parametrize("second", ["update", "an update with many more words than its preview had"])
def test_a_log_that_an_update_begins_anew_after_its_preview_is_followed_from_there(
    tmp_path: Path, engine: subprocess.Popen[bytes], second: str
) -> None:
    log = tmp_path / "events.jsonl"
    chunks = [said("a preview"), "-" + said(second, moment=2), said("done", moment=3)]
    assert heard(log, engine, *chunks) == ["a preview", second, "done"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("/srv/flags.env cannot be read.\nType: ls", "/srv/flags.env cannot be read.\nType: ls"),
        ("error: r serves; it is not removed.", "r serves; it is not removed."),
        (
            "dbrestore:postgres:Instance resource 'r' has a problem: Segment 5 is missing.",
            "r: Segment 5 is missing.",
        ),
    ],
)
def test_a_resources_error_is_told_in_its_own_words_and_whole(
    tmp_path: Path, engine: subprocess.Popen[bytes], message: str, words: str
) -> None:
    (log := tmp_path / "events.jsonl").write_text(said(message, "error"))
    assert engine.stdin
    engine.stdin.close()
    assert follow(log, engine, lambda _event: None).errors == [words]
