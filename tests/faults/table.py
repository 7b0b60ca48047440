"""docs/faults.md: the matrix as a page."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from tests.faults.fault import AGAIN, PROPOSE
from tests.faults.matrix import cells
from tests.faults.sources import SOURCES

_HEAD = """# What was broken, and what Reforge says then

Written by `make faults` from the results of its own cells (`tests/faults/`); do not edit it by hand.

Each row is one test on real servers and a real engine. While the fault was there, the command ended with
the error and `reforge status` named the state and the next command. Once the fault was mended, exactly
that command was typed, and the stage came to its end by it. Before and after, the original's fingerprint
and every file of its backups and archive were the same; at the end no process, port, lock or directory
was left.

An empty error is a fault that the stage does not mind, or a command that was killed. A next command that
begins the following stage stands beside a stage that was done. The errors are explained
where they are raised; the states in [the command line](command-line.md#named-states).
"""
UNPROVEN = " **not proven in this run**"
_COLUMNS = "| fault | error | state | next command |\n|---|---|---|---|\n"


def page(held: Collection[tuple[str, ...]]) -> str:
    """The page; ``held`` are the rows whose cells passed, the others are told apart."""
    rows = [cell.row for cell in cells()]
    count = f"\n{sum(row in held for row in rows)} of {len(rows)} cells hold.\n"
    return (
        _HEAD
        + count
        + "".join(_section(key, list(group), held) for key, group in groupby(rows, lambda r: r[:2]))
    )


def _section(key: tuple[str, ...], rows: list[tuple[str, ...]], held: Collection[tuple[str, ...]]) -> str:
    source, stage = key
    lines = (line(row) if row in held else line(row) + UNPROVEN for row in rows)
    return f"\n## `{stage}` of {SOURCES[source].what}\n\n{_COLUMNS}" + "\n".join(lines) + "\n"


def line(row: tuple[str, ...]) -> str:
    """One row of the table."""
    _source, _stage, what, problem, state, following = row
    error = f"`{problem}`" if problem else "-"
    return f"| {what} | {error} | `{state}` | {_command(following)} |"


def _command(following: str) -> str:
    if not following:
        return "-"
    return following if following in (AGAIN, PROPOSE) else f"`reforge {following}`"
