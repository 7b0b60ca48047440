"""Dumps that are cut short, damaged, too new, or need what is not there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from rehearsal.processes import postmasters
from tests.faults.breaking import absent, cannot_mount, flipped, rewritten, small_filesystem
from tests.faults.fault import Fault, at, failed, unharmed
from tests.faults.faults.kills import OUTCOMES, WORDS, killed_at
from tests.faults.scene import Scene
from tests.support.ground import wait_until
from tests.support.killing import DEADLINE, started
from tests.support.small_site import Ended

STAGES = "preview restore"
TIGHT = 46
"""Mebibytes: an empty cluster has room in them, and a database in it has not."""
_OF_INITDB = 3
"""Folders of databases in an empty cluster."""
ALL = ("dump", "dump-folder", "dump-sql")
FILES = ("dump", "dump-sql")
Inject = Callable[[Scene], AbstractContextManager[object]]


def _data(scene: Scene) -> Path:
    """The file with most of the data."""
    if not scene.dump.is_dir():
        return scene.dump
    return max(scene.dump.glob("*.dat*"), key=lambda path: (path.name != "toc.dat", path.stat().st_size))


def _contents(scene: Scene) -> Path:
    """The file that begins with the table of contents."""
    return scene.dump / "toc.dat" if scene.dump.is_dir() else scene.dump


def changed(which: Callable[[Scene], Path], change: Callable[[bytes], bytes]) -> Inject:
    return lambda scene: rewritten(which(scene), change)


def _of_server(content: bytes) -> bytes:
    """The same dump as if a server of version 99 had been dumped: the versions stand in its head."""
    head, rest = content[:4096], content[4096:]
    return re.sub(rb"\b1(\d)\.\d+", lambda found: b"99." + found[0][3:], head) + rest


def _of_later_format(content: bytes) -> bytes:
    """The minor version of the format stands behind PGDMP and the major one (pg_backup_archiver.c)."""
    return content[:6] + bytes([content[6] + 40]) + content[7:]


def _with_extension(content: bytes) -> bytes:
    """One more entry, with the comment that pg_dump puts before each."""
    entry = (
        b"\n--\n-- Name: nowhere; Type: EXTENSION; Schema: -; Owner: -\n--\n\n"
        b"CREATE EXTENSION IF NOT EXISTS nowhere WITH SCHEMA public;\n\n"
    )
    return content.replace(b"\nSET default_tablespace", entry + b"\nSET default_tablespace", 1)


def _of_another_owner(content: bytes) -> bytes:
    """A name of the same length, because names in the contents stand behind their lengths."""
    return content.replace(b"starforge", b"somebody1")


def _server_killed(scene: Scene) -> Ended:
    """The new cluster's postmaster, while the data is loaded."""
    with started(scene.project, *scene.words, apart=True) as run:
        with run.held(lambda: _loading(scene), "loading"):
            for pid in postmasters(scene.project.restores):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not postmasters(scene.project.restores), DEADLINE, "its end")
        return run.ended()


def _loading(scene: Scene) -> bool:
    """Whether the database is there besides those that initdb makes."""
    return len([*(scene.instance / "base").glob("[0-9]*")]) > _OF_INITDB


FAULTS = [
    Fault(
        "dump-missing",
        "the dump is missing",
        at(STAGES, failed("dump-missing")),
        lambda scene: absent(scene.dump),
        sources=ALL,
    ),
    Fault(
        "dump-contents-missing",
        "the dump's table of contents is missing",
        at(STAGES, failed("dump-unknown")),
        lambda scene: absent(_contents(scene)),
        sources=("dump-folder",),
    ),
    Fault(
        "dump-data-missing",
        "a file of the dump is missing",
        at(STAGES, failed("dump-truncated")),
        lambda scene: absent(_data(scene)),
        sources=("dump-folder",),
    ),
    Fault(
        "dump-data-truncated",
        "a file of the dump is cut short",
        unharmed("preview") | at("restore", failed("dump-truncated")),
        changed(_data, lambda content: content[: len(content) // 2]),
        sources=("dump-folder",),
    ),
    Fault(
        "dump-truncated",
        "the dump is cut short by half",
        at(STAGES, failed("dump-truncated")),
        changed(_data, lambda content: content[: len(content) // 2]),
        sources=FILES,
    ),
    Fault(
        "dump-tail-missing",
        "the last 100 bytes of the dump are missing",
        at(STAGES, failed("dump-truncated")),
        changed(_data, lambda content: content[:-100]),
        sources=FILES,
    ),
    Fault(
        "dump-empty",
        "the dump is an empty file",
        at(STAGES, failed("dump-truncated")),
        changed(_contents, lambda _content: b""),
        sources=ALL,
    ),
    Fault(
        "dump-damaged",
        "a bit of the dump's data is wrong",
        unharmed("preview") | at("restore", failed("dump-damaged")),
        lambda scene: flipped(_data(scene)),
        sources=("dump-folder",),
    ),
    Fault(
        "dump-not-one",
        "what lies there is no dump",
        at(STAGES, failed("dump-unknown")),
        changed(_contents, lambda content: b"\0\1\2" + content),
        sources=("dump",),
    ),
    Fault(
        "dump-of-newer-server",
        "the dump is of a newer PostgreSQL than this machine has",
        at(STAGES, failed("dump-newer")),
        changed(_contents, _of_server),
        sources=ALL,
    ),
    Fault(
        "dump-of-newer-format",
        "a newer pg_dump wrote the dump, in a format that nobody here knows",
        at(STAGES, failed("dump-too-new")),
        changed(_contents, _of_later_format),
        sources=("dump", "dump-folder"),
    ),
    Fault(
        "dump-role-missing",
        "the dump gives its tables to a role that is not there",
        at(STAGES, failed("roles-missing")),
        changed(_contents, _of_another_owner),
        sources=ALL,
    ),
    Fault(
        "dump-extension-missing",
        "the dump needs an extension that is not installed",
        at(STAGES, failed("extensions-missing")),
        changed(_contents, _with_extension),
        sources=("dump-sql",),
    ),
    *(
        Fault(
            f"{which}-killed-loading",
            f"{what} while the dump is loaded",
            at("restore", OUTCOMES[which]),
            run=killed_at(which, "loading"),
            sources=("dump", "dump-sql"),
        )
        for which, what in WORDS.items()
    ),
    Fault(
        "disk-full-loading",
        "the disk becomes full while the dump is loaded",
        at("restore", failed("no-space")),
        lambda scene: small_filesystem(scene.project.restores, TIGHT),
        sources=("dump",),
        needs=cannot_mount,
    ),
    Fault(
        "restore-killed-loading",
        "the new cluster's postmaster is killed while the dump is loaded",
        at("restore", failed("load-failed")),
        run=_server_killed,
        sources=("dump", "dump-sql"),
    ),
]
