"""What people and machines do meanwhile: edits, locks, a second operator, clocks, keys, broken configs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.breaking import absent, cannot_mount, extra, read_only, rewritten
from tests.faults.fault import PROPOSE, Fault, Outcome, at, failed, unharmed
from tests.faults.scene import Scene
from tests.faults.stages import STAGES
from tests.support.small_site import Ended

EVERY = "preview pause restore validate cutover resume rollback teardown"
APPLIED = "pause restore validate cutover resume rollback teardown"
LOCKS = ".reforge/state/.pulumi/locks/organization/reforge/local"
Inject = Callable[[Scene], AbstractContextManager[object]]


def _edited_meanwhile(scene: Scene) -> Ended:
    """Proposed, edited by somebody else, applied."""
    proposing = [word for word in scene.words if word != "--yes"]
    assert scene.type(*proposing).code == 0, scene.last
    with scene.project.config.open("a") as config:
        config.write("# an edit of somebody else\n")
    return scene.type("apply")


@contextmanager
def _locked(scene: Scene) -> Iterator[None]:
    """An engine of somebody else holds the state's lock."""
    folder = scene.project.folder / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    held: dict[str, object] = {
        "pid": 1,
        "username": "bob",
        "hostname": "elsewhere",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    with extra(folder / "0d0b8b5e-6a4f-4c1e-9a53-1d2f0f6d7c11.json", json.dumps(held)):
        yield


@contextmanager
def _second_operator(scene: Scene) -> Iterator[None]:
    """A run of somebody else that is at work: its process is this very one."""
    born = Path(f"/proc/{os.getpid()}/stat").read_text().rsplit(")", 1)[1].split()[19]
    run: dict[str, object] = {
        "event": "begin",
        "stage": "pause",
        "command": "reforge pause --yes",
        "by": "bob",
    }
    run |= {"begun": datetime.now(UTC).isoformat(), "pid": os.getpid(), "subject": "", "born": born}
    with scene.journal.open("a") as journal:
        journal.write(json.dumps(run) + "\n")
    yield
    with scene.journal.open("a") as journal:
        journal.write(
            json.dumps({"event": "end", "state": "refused", "ended": run["begun"], "facts": {}}) + "\n"
        )


def clock_set_back(scene: Scene) -> AbstractContextManager[None]:
    """All that the journal remembers lies in the future now."""
    ahead = (datetime.now(UTC) + timedelta(days=400)).isoformat(timespec="milliseconds")

    def shifted(content: bytes) -> bytes:
        return re.sub(rb'"(begun|ended)": "[^"]+"', rb'"\1": "' + ahead.encode() + b'"', content)

    scene.journal.write_bytes(shifted(scene.journal.read_bytes()))
    return rewritten(scene.project.folder / "Pulumi.yaml", lambda content: content)


def _config(change: Callable[[str], str]) -> Inject:
    return lambda scene: rewritten(scene.project.config, lambda content: change(content.decode()).encode())


def _journal_cut(scene: Scene) -> AbstractContextManager[None]:
    """The last line was half written when the machine went down."""
    with scene.journal.open("ab") as journal:
        journal.write(b'{"event": "beg')
    return rewritten(scene.project.folder / "Pulumi.yaml", lambda content: content)


def unchanged(problem: str, stages: str) -> dict[str, Outcome]:
    """Refused before anything began: the incident stands where it stood before the stage."""
    before = {
        "normal": ("normal", ""),
        "paused": ("paused", "sources"),
        "restored": ("restored", "validate {n}"),
        "validated": ("validated", "cutover {n}"),
        "serving": ("cut-over", "resume --canary"),
    }
    found = {}
    for name in stages.split():
        state, following = before[STAGES[name].position]
        found[name] = Outcome(problem, state, following.format(n="before-accident"))
    return found


FAULTS = [
    Fault(
        "edited-meanwhile",
        "the config is edited between proposal and `apply`",
        at(
            "pause restore cutover resume rollback teardown",
            Outcome("plan-outdated", "not-applied", PROPOSE),
        ),
        run=_edited_meanwhile,
    ),
    Fault(
        "state-locked",
        "the engine's state is locked by somebody else",
        unharmed("preview") | at(APPLIED, failed("stack-locked")),
        _locked,
    ),
    Fault(
        "second-operator",
        "another operator's command is at work",
        at(EVERY, Outcome("still-running", "running", "status")),
        _second_operator,
    ),
    Fault("clock-set-back", "the clock was set back by more than a year", unharmed(EVERY), clock_set_back),
    Fault("journal-cut", "the journal's last line is half written", unharmed(EVERY), _journal_cut),
    Fault(
        "wrong-passphrase",
        "the passphrase is not the stack's",
        # What a cut-over looks at before it begins needs the passphrase too, and is no begun stage yet.
        at(EVERY, failed("wrong-passphrase"))
        | at("cutover", failed("wrong-passphrase", PROPOSE, "validated")),
        lambda scene: rewritten(scene.project.folder / ".reforge/passphrase", lambda _content: b"another"),
    ),
    Fault(
        "config-not-yaml",
        "the config has a merge's conflict marks",
        at(EVERY, Outcome("config-not-yaml", "config-unreadable", "status")),
        _config(lambda text: "<<<<<<< HEAD\n" + text),
    ),
    Fault(
        "config-unknown-key",
        "the config has a key that nobody knows",
        at(EVERY, Outcome("config-wrong", "not-applied", "preview")),
        _config(
            lambda text: text.replace(
                "  reforge:endpoints:", "  reforge:sevring: source\n  reforge:endpoints:"
            )
        ),
    ),
    Fault(
        "folder-read-only",
        "the folder .reforge is read-only",
        unchanged("file-unusable", EVERY),
        lambda scene: read_only(scene.project.folder / ".reforge"),
        needs=cannot_mount,
    ),
    Fault(
        "supervisor-down",
        "supervisord does not answer",
        at("pause resume cutover", failed("supervisor-unreachable")) | unharmed("restore validate teardown"),
        lambda scene: absent(scene.site.site.record.app / "supervisor.sock"),
    ),
    Fault(
        "flag-file-gone",
        "the file of the flag that stops writes is gone",
        at("pause resume", failed("file-not-readable")),
        lambda scene: absent(scene.site.site.record.app / "flags.env"),
    ),
    Fault(
        "env-file-gone",
        "the dotenv file that holds the URL is gone",
        at("cutover rollback", failed("file-not-readable")),
        lambda scene: absent(scene.site.site.record.app / "etl.env"),
    ),
    Fault(
        "env-file-edited",
        "somebody else changed the URL in the dotenv file",
        at("cutover rollback", failed("changed-meanwhile")),
        lambda scene: rewritten(
            scene.site.site.record.app / "etl.env",
            lambda _content: b"DATABASE_URL=postgresql://x@127.0.0.1:1/x\n",
        ),
    ),
    Fault(
        "app-read-only",
        "the application's files are on a read-only file system",
        at("pause cutover rollback", failed("file-not-writable")),
        lambda scene: read_only(scene.site.site.record.app),
        needs=cannot_mount,
    ),
]
