"""Calls of pgbackrest that only read a repository (pgBackRest manual, "Command Reference")."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from archive.compression import Garbled
from archive.tools import followed, installed
from problem import Problem
from toolchain.accounts import Account, popen_as

_MISSING = 55
"""Its exit status for a file that is not there (FileMissingError, src/build/error/error.yaml)."""
_INSTALL = "Install it, for example: apt install pgbackrest"
_PIPE = 1024 * 1024
_ERROR = re.compile(r"ERROR: (?:\[\d+\]: )?(.*)", re.DOTALL)


_NOT_OURS = [
    *("--no-delta", "--no-link-all", "--reset-link-map", "--reset-tablespace-map-all"),
    *("--reset-db-include", "--reset-db-exclude", "--reset-pg1-host"),
]
"""Against what the configuration says of restores: it is meant for the original's own folders, and would
write there or leave databases out. Ours takes all of a backup into its own folder."""


@dataclass(frozen=True)
class PgBackRest:
    """A stanza in one repository of a configuration file; run as ``account``, who has to read both."""

    stanza: str
    config: Path
    repo: int
    account: Account | None

    def __str__(self) -> str:
        return f"stanza {self.stanza} of {self.config}"

    def info(self, label: str = "") -> dict[str, Any]:
        """What ``info`` tells of the stanza, or of one backup; Problem ``pgbackrest-failed`` without one."""
        found = self._json("info", "--output=json", *([f"--set={label}"] if label else []))
        stanza = next((one for one in found if one.get("name") == self.stanza), None)
        if stanza is None or not stanza.get("db"):
            words = stanza["status"]["message"] if stanza else "there is no such stanza"
            raise self._failed("info", words)
        return cast(dict[str, Any], stanza)

    def entries(self, folder: str, recurse: bool = False) -> Iterator[tuple[str, int | None]]:
        """What lies in a folder of the repository, or below it, with stored sizes; None is a folder's."""
        found = self._json("repo-ls", "--output=json", *(["--recurse"] if recurse else []), folder)
        yield from ((name, int(one["size"]) if "size" in one else None) for name, one in found.items())

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file of the repository, deciphered but as compressed as it lies there.

        FileNotFoundError without it; Problem ``pgbackrest-failed`` at its end where it could not be read.
        """
        with (
            tempfile.TemporaryFile("w+") as errors,
            self._started("repo-get", path, stderr=errors) as process,
        ):
            try:
                yield cast(BinaryIO, process.stdout)
            except Garbled:
                self._explain(process, path, errors)  # what looks cut off is what the program did not give
                raise
            self._explain(process, path, errors)

    def restore(self, label: str, directory: Path, options: list[str], told: Callable[[str], bool]) -> None:
        """Restore a backup into an empty folder, without its WAL and without settings for recovery.

        ``told`` takes each line that it says and gives whether to go on. Problem ``pgbackrest-failed``.
        """
        with tempfile.TemporaryDirectory(prefix="reforge-pgbackrest-") as locks:
            shutil.chown(locks, *((self.account.uid, self.account.gid) if self.account else (None, None)))
            words = [f"--set={label}", f"--pg1-path={directory}", "--type=none", f"--lock-path={locks}"]
            words += _NOT_OURS
            words += ["--log-level-console=detail", "--log-level-stderr=off", "--no-log-timestamp", *options]
            with installed("pgbackrest", _INSTALL):
                status, said = followed([*self._command("restore"), *words], self.account, told)
            if status:
                raise self._failed("restore", said)

    def _explain(self, process: subprocess.Popen[bytes], path: str, errors: TextIO) -> None:
        """Why a file was not given whole; nothing where it was."""
        process.stdout.read()  # type: ignore[union-attr]  # it was started with a pipe
        if process.wait() == _MISSING:
            raise FileNotFoundError(2, "No such file in the repository", path)
        if process.returncode:
            errors.seek(0)
            raise self._failed("repo-get", errors.read())

    def _json(self, *words: str) -> Any:
        with tempfile.TemporaryFile("w+") as errors, self._started(*words, stderr=errors) as process:
            text = process.stdout.read()  # type: ignore[union-attr]  # it was started with a pipe
            if process.wait():
                errors.seek(0)
                raise self._failed(words[0], errors.read() or text.decode("utf-8", "replace"))
        return json.loads(text)

    def _started(self, command: str, *words: str, stderr: TextIO) -> subprocess.Popen[bytes]:
        quiet = ["--log-level-console=off", "--log-level-stderr=error"]
        with installed("pgbackrest", _INSTALL):
            return subprocess.Popen(
                [*self._command(command), *quiet, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=_PIPE,
                pipesize=_PIPE,
                cwd="/",
                **popen_as(self.account),
            )

    def _command(self, command: str) -> list[str]:
        options = [f"--config={self.config}", f"--stanza={self.stanza}", f"--repo={self.repo}"]
        return ["pgbackrest", *options, "--log-level-file=off", command]

    def _failed(self, command: str, said: str) -> Problem:
        match = _ERROR.search(said)
        words = " ".join((match[1] if match else said).split())
        return Problem(
            "pgbackrest-failed",
            f"pgbackrest {command} of {self} failed: {words}",
            f"Try it by hand: pgbackrest --config={self.config} --stanza={self.stanza} info",
        )
