"""The engine's event log, as plain values: which resource is at what, what failed and why."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

POLL_SECONDS = 0.02
_MARKUP = re.compile(r"<\{%.*?%\}>")


@dataclass(frozen=True)
class Event:
    """Something that happened to one resource."""

    kind: Literal["planned", "began", "ended", "failed", "said", "noted"]
    urn: str
    operation: str = ""
    """The engine's word: create, update, delete, replace, same, ..."""
    text: str = ""

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """The resource's type."""
        return self.urn.split("::")[-2].rsplit("$", 1)[-1] if "::" in self.urn else ""


@dataclass
class Outcome:
    """What a run of the engine did or would do."""

    steps: list[Event] = field(default_factory=list)
    """One for each resource that changes."""
    changes: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a resource says of itself for whoever reviews: the space it needs, the time it will take."""
    seconds: float = 0.0
    text: str = ""
    """What the engine printed for people."""

    @property
    def changed(self) -> bool:
        """Whether anything is or would be different."""
        return any(step.operation != "same" for step in self.steps)

    @property
    def diff(self) -> str:
        """The resource diff as the engine shows it, without its frame and without what stays the same."""
        text, _, _ = self.text.partition("\nDiagnostics:\n")
        lines = [_URN.sub(r"[name=\1]", line) for line in text.splitlines()]
        noted = {line for note in self.notes for line in note.splitlines()}
        kept = (line for line in lines if not _is_frame(line) and line.strip() not in noted)
        return "\n".join(kept).strip("\n")


_URN = re.compile(r"\[urn=.*::(.*?)\]")
_FRAME = (
    "Previewing update",
    "Updating (",
    "@ Previewing",
    "@ Updating",
    "Update plan written",
    "Run `pulumi up",
)


def _is_frame(line: str) -> bool:
    return (
        line.startswith(_FRAME) or "pulumi:pulumi:Stack" in line or line.strip().startswith("[name=reforge-")
    )


def follow(log: Path, process: subprocess.Popen[bytes], on_event: Callable[[Event], None]) -> Outcome:
    """Read the event log until its engine has ended; every event goes to ``on_event`` as it comes."""
    outcome, begun = Outcome(), time.monotonic()
    for entry in _entries(log, process):
        for event in _events(entry):
            _keep(outcome, event)
            on_event(event)
        if "summaryEvent" in entry:
            outcome.changes = entry["summaryEvent"].get("resourceChanges") or {}
    process.wait()
    outcome.seconds = time.monotonic() - begun
    return outcome


def _keep(outcome: Outcome, event: Event) -> None:
    if (
        event.kind in ("planned", "began")
        and event.operation != "same"
        and event.type != "pulumi:pulumi:Stack"
    ):
        outcome.steps.append(event)
    elif event.kind == "failed" and event.text:
        outcome.errors.append(event.text)
    elif event.kind == "noted" and event.text not in outcome.notes:
        outcome.notes.append(event.text)


def _entries(log: Path, process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The log's lines as they are written; a line that is not whole yet is waited for."""
    with log.open("rb") as file:
        head, part = b"", b""
        while True:
            ended = process.poll() is not None
            if _begun_anew(file, head):
                file.seek(0)
                part = b""
            part += file.read()
            head = os.pread(file.fileno(), _HEAD, 0)
            *lines, part = part.split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)
            if ended:
                return
            if not lines:
                time.sleep(POLL_SECONDS)


_HEAD = 48
"""Bytes of a log's beginning that hold its first event's time in seconds."""


def _begun_anew(file: BinaryIO, head: bytes) -> bool:
    """Whether the engine has emptied the log: an ``up`` does after its own preview, before it updates."""
    grown = os.fstat(file.fileno()).st_size >= file.tell()
    return not (grown and os.pread(file.fileno(), _HEAD, 0).startswith(head))


def _events(entry: dict[str, Any]) -> Iterator[Event]:
    if "resourcePreEvent" in entry:
        step = entry["resourcePreEvent"]
        kind: Literal["planned", "began"] = "planned" if step.get("planning") else "began"
        yield Event(kind, step["metadata"]["urn"], step["metadata"]["op"])
    elif "resOutputsEvent" in entry:
        step = entry["resOutputsEvent"]
        if not step.get("planning"):
            yield Event("ended", step["metadata"]["urn"], step["metadata"]["op"])
    elif "diagnosticEvent" in entry:
        yield from _diagnostic(entry["diagnosticEvent"])


def _diagnostic(said: dict[str, Any]) -> Iterator[Event]:
    text = _MARKUP.sub("", said.get("message", "")).strip()
    urn = said.get("urn", "")
    if said.get("severity") == "error" and not _is_noise(text):
        yield Event("failed", urn, text=_clean(text))
    elif said.get("severity") in ("info", "warning") and text:
        noted = said["severity"] == "info" and not said.get("ephemeral")
        yield Event("noted" if noted else "said", urn, text=text)


def _is_noise(text: str) -> bool:
    """The engine repeats a resource's error as one of the whole update, and as what a plan still expected."""
    repeated = ("update failed", "preview failed", "resource registration failed")
    return not text or text in repeated or text.startswith("expected resource operations for ")


_WRONG_INPUT = re.compile(r"^\S+ resource '(?P<name>[^']*)' has a problem: ")


def _clean(text: str) -> str:
    """A resource's error without the engine's wrapping."""
    return _WRONG_INPUT.sub(r"\g<name>: ", text.removeprefix("error: ")).strip()
