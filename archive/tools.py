"""Programs of backup tools: found, and run to their end while they are listened to."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from problem import Problem
from toolchain.accounts import Account, popen_as

_KEPT = 20
"""Of its last lines, to tell why it failed."""


def followed(
    command: list[str],
    account: Account | None,
    told: Callable[[str], bool],
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Its exit status and its last lines; ended early, with status 0, where ``told`` gives False."""
    said = deque[str](maxlen=_KEPT)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd="/",
        env=environment,
        **popen_as(account),
    ) as process:
        for line in process.stdout or ():
            said.append(line.strip())
            if not told(line):
                process.terminate()
                process.wait()
                return 0, ""
    return process.returncode, "\n".join(said)


@contextmanager
def installed(name: str, cure: str) -> Iterator[None]:
    """Around the start of a program: Problem ``backup-tool-missing`` where it is not on this machine."""
    try:
        yield
    except (FileNotFoundError, PermissionError) as error:  # the latter where PATH has a closed folder
        what = f"{name}, which reads what it has kept, is not on this machine."
        raise Problem("backup-tool-missing", what, cure) from error
