"""All cells: every fault of the files in ``faults/`` at each of its stages, from each of its sources."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.faults.fault import Cell, Fault
from tests.faults.sources import SOURCES
from tests.faults.stages import STAGES


def faults() -> Iterator[Fault]:
    """Of every file, in the order of their names and as they stand in it."""
    for file in sorted((Path(__file__).parent / "faults").glob("[a-z]*.py")):
        yield from import_module(f"tests.faults.faults.{file.stem}").FAULTS


def cells() -> list[Cell]:
    """By source and stage in the order of an incident, then by fault."""
    known = list(faults())
    return [
        Cell(source.name, stage, fault)
        for source in SOURCES.values()
        for stage in STAGES.values()
        for fault in known
        if source.name in fault.sources and stage.name in fault.outcomes and stage.name in source.stages
    ]
