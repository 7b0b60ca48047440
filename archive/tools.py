"""Runs the program of a backup tool to its end, told line by line."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Mapping

from toolchain.accounts import Account, popen_as

_KEPT = 20


def followed(
    command: list[str],
    account: Account | None,
    told: Callable[[str], bool],
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Its exit status and its last lines; ended early, with status 0, where ``told`` gives False.

    FileNotFoundError where there is no such program.
    """
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
