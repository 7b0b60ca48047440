"""What pg_controldata says of a data directory or a base backup."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from problem import Problem
from toolchain.postgres import Binaries

_SETTINGS = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}


@dataclass(frozen=True)
class Control:
    """Facts of global/pg_control. ``minimums``: settings that recovery refuses to run with less of
    (manual, "Hot Standby", Administrator's Overview)."""

    system_identifier: int
    segment_size: int
    state: str
    timeline: int
    minimums: Mapping[str, int]


def read_control(data_directory: Path, binaries: Binaries) -> Control:
    """Run pg_controldata; Problem ``control-file-unreadable`` if it fails."""
    run = subprocess.run(
        [binaries.tool("pg_controldata"), data_directory],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    facts = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in run.stdout.splitlines())
    }
    try:
        return Control(
            system_identifier=int(facts["Database system identifier"]),
            segment_size=int(facts["Bytes per WAL segment"]),
            state=facts["Database cluster state"],
            timeline=int(facts["Latest checkpoint's TimeLineID"]),
            minimums={name: int(facts[key]) for key, name in _SETTINGS.items()},
        )
    except (KeyError, ValueError) as error:
        raise Problem(
            "control-file-unreadable",
            f"pg_controldata {data_directory} gave no answer: {run.stderr.strip() or error}",
            f"Check that {data_directory} is a data directory of PostgreSQL {binaries.major} and is readable",
        ) from error
