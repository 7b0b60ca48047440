"""A plain dump fed to psql, its rows frozen as they come."""

from __future__ import annotations

import contextlib
import re
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO

from dbrestore.handler import Context
from dbrestore.logical.complaints import Complaint, of_psql
from dbrestore.logical.database import of_database
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.programs import end, interrupted
from dbrestore.logical.reading import Dump, clear_stream
from dbrestore.logical.script import HEAD, Part, parts
from dbrestore.logical.tabledata import LOADING, freezable, table_of
from dbrestore.logical.target import Target
from dbrestore.progress import Meter
from problem import Problem

_SESSION = rb"^SET SESSION AUTHORIZATION [^\n]*;\r?\n"
_OWNER = re.compile(rb"^ALTER [^\n]* OWNER TO [^\n]*;\r?\n|" + _SESSION, re.MULTILINE)
_OWNERS = {
    **dict.fromkeys(("TABLE DATA", "COMMENT"), re.compile(_SESSION, re.MULTILINE)),
    **{
        kind: re.compile(rb"^ALTER %b [^\n]* OWNER TO [^\n]*;\r?\n|" % kind.encode() + _SESSION, re.MULTILINE)
        for kind in ("FUNCTION", "PROCEDURE")
    },
}
"""Of kinds whose text may have such a line that is none, in a value or in the body of a function."""
_KEYS = re.compile(rb"^\\(?:un)?restrict [^\n]*\n", re.MULTILINE)
_DONE = re.compile(rb"^COPY (\d+)$")


def load_script(
    dump: Dump, chosen: Sequence[Entry], target: Target, options: Options, context: Context
) -> tuple[dict[str, int], list[Complaint]]:
    """Rows of each table and everything complained of. Problem ``rows-missing`` where a COPY took fewer."""
    labels = {one.label for one in chosen}
    rows = {label: count for label, count in dump.rows.items() if label in labels}
    feed, counts = _Feed(dump, chosen, target.session, options), list[int]()
    with tempfile.TemporaryFile() as stderr, _psql(target, stderr) as process:
        reader = threading.Thread(target=_count, args=(process.stdout, counts), daemon=True)
        reader.start()
        _write(process, feed, dump, context)
        code = process.wait()
        reader.join()
        stderr.seek(0)
        said = stderr.read().decode(errors="replace")
    if code:
        what = f"psql ended with {code} on {dump.path}: {said.strip()[-500:]}"
        raise Problem("load-failed", what, "Look at what it says; then run the same command again.")
    complaints = of_psql(said, feed.labels)
    if not any(one.grade == "fatal" for one in complaints) and counts != list(rows.values()):
        raise Problem("rows-missing", f"Not all rows of {dump.path} were loaded.", "Take another dump.")
    return rows, complaints


def _psql(target: Target, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [str(target.binaries.tool("psql")), "-X", "-v", "ON_ERROR_STOP=0", "-f", "-"]
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd="/",
        env=target.environment(), start_new_session=True,
    )  # fmt: skip


def _write(process: subprocess.Popen[bytes], feed: _Feed, dump: Dump, context: Context) -> None:
    meter = Meter(LOADING, dump.clear, context.progress)
    try:
        with clear_stream(dump.path) as (stream, _position):
            for part in parts(stream):
                if context.cancelled.is_set():
                    raise interrupted()
                if not _written(process, feed.text(part)):
                    break
                meter.add(len(part.data))
    except BaseException:
        end(process)
        raise
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()  # type: ignore[union-attr]  # it was started with a pipe
    meter.done()


def _written(process: subprocess.Popen[bytes], text: bytes) -> bool:
    """False where psql has ended; its own words tell more than a broken pipe."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(text)  # type: ignore[union-attr]  # it was started with a pipe
        return True
    return False


def _count(stdout: IO[bytes], counts: list[int]) -> None:
    for line in stdout:
        done = _DONE.match(line)
        if done:
            counts.append(int(done[1]))


class _Feed:
    """What psql gets of each part, and at which of its lines each object begins."""

    def __init__(self, dump: Dump, chosen: Sequence[Entry], session: str, options: Options) -> None:
        self.labels: list[tuple[int, str]] = []
        self._options, self._line, self._title, self._freezing = options, 1, HEAD, False
        kept = {one.label for one in chosen if one.kind != "DATABASE" and not of_database(one)}
        self._apart = {one.label for one in dump.entries} - kept
        self._freezable = freezable(chosen)
        self._first = _restricted() + (session and f"{session};\n").encode() + _set_role(options.role)

    def text(self, part: Part) -> bytes:
        """The same, without what is the database's own, and with rows that come frozen."""
        if part.title.label in self._apart:
            return b""
        if part.title != self._title:
            self._title = part.title
            self.labels.append((self._line, part.title.label))
        text = self._first + self._changed(part)
        self._first = b""
        self._line += text.count(b"\n")
        return text

    def _changed(self, part: Part) -> bytes:
        if part.kind == "text":
            text = _KEYS.sub(b"", part.data)
            owner = _OWNERS.get(part.title.kind, _OWNER)
            return owner.sub(b"", text) if self._options.no_owner else text
        if part.kind == "copy":
            table = table_of(part.data.decode(errors="replace"))
            self._freezing = table in self._freezable
            return _frozen(table, part.data) if self._freezing else part.data
        return part.data + b"COMMIT;\n" if part.kind == "end" and self._freezing else part.data


def _frozen(table: str, line: bytes) -> bytes:
    """A COPY that empties its table in the same transaction, so that the rows may come frozen."""
    copy = line.rstrip().rstrip(b";")
    return b"BEGIN;\nTRUNCATE ONLY " + table.encode() + b";\n" + copy + b" WITH (FREEZE);\n"


def _restricted() -> bytes:
    """psql's own commands, such as ``\\!``, are refused: a dump may be anybody's (CVE-2025-8714).

    The key is ours, since a dump could name the key that it gave itself. A psql before August 2025 does
    not know the command, and says so.
    """
    return f"\\restrict {secrets.token_hex(16)}\n".encode()


def _set_role(role: str) -> bytes:
    return b'SET ROLE "' + role.replace('"', '""').encode() + b'";\n' if role else b""
