"""pg_restore on part of an archive: only the entries that it is given."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from dbrestore.handler import Context
from dbrestore.logical.complaints import Complaint, of_pg_restore
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.target import Target
from problem import Problem

POLL_SECONDS = 0.2
END_SECONDS = 10


def restore_entries(
    dump: Dump, target: Target, entries: Sequence[Entry], options: Options, context: Context
) -> list[Complaint]:
    """Have pg_restore restore ``entries``, in the order of its own dependencies; what it complained of.

    Problem ``interrupted`` when the operator stops it.
    """
    if not entries:
        return []
    with tempfile.TemporaryFile() as chosen:  # nameless, so that a kill leaves nothing
        chosen.write(b"".join(b"%d;\n" % entry.number for entry in entries))
        chosen.seek(0)
        code, said = run(_words(dump, target, options), target, context, chosen)
    complaints = of_pg_restore(said, dump.entries)
    if code and not complaints:
        what = f"pg_restore ended with {code} on {dump.path}: {said.strip()}"
        raise Problem("load-failed", what, "Look at what it says; then run the same command again.")
    return complaints


def _words(dump: Dump, target: Target, options: Options) -> list[str]:
    words = [
        str(target.binaries.tool("pg_restore")),
        "-d",
        f"dbname={_quoted(target.name)}",
        "-L",
        "/dev/stdin",
        "--no-tablespaces",  # a new cluster has none: everything lies in the default one
    ]
    words += ["--no-owner"] if options.no_owner else []
    words += [f"--role={options.role}"] if options.role else []
    words += ["-j", str(options.jobs)] if options.jobs > 1 and dump.format != "tar" else []
    return [*words, str(dump.path)]


def run(words: list[str], target: Target, context: Context, given: IO[bytes]) -> tuple[int, str]:
    """A program to its end, or ended by us when the operator stops it; its code and its messages."""
    with tempfile.TemporaryFile() as stderr, subprocess.Popen(
        words, stdin=given, stdout=subprocess.DEVNULL, stderr=stderr, cwd="/",
        env=target.environment(), start_new_session=True,
    ) as process:  # fmt: skip
        while process.poll() is None:
            if context.cancelled.is_set():
                end(process)
                raise interrupted()
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        stderr.seek(0)
        return process.returncode, stderr.read().decode(errors="replace")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program that we started: SIGTERM, and SIGKILL where it does not listen."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def interrupted() -> Problem:
    """A load cannot be continued: half of it is worth nothing."""
    return Problem(
        "interrupted", "Interrupted while loading the dump.", "The same command starts the load anew."
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
