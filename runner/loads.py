"""A pod's step of a load: fetches what it needs of the dump, and does what a load on one machine does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs.loading import LOAD, URL, LoadWork
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import Store
from dbrestore.logical.opening import binaries_for, chosen
from dbrestore.logical.parts import Parts
from dbrestore.logical.steps import DATA, FINISH, OBJECTS, Steps
from dbrestore.logical.target import Target
from toolchain.postgres import clients


def load(step: str, known: Mapping[str, str], index: int, context: Context) -> Mapping[str, Any]:
    """One step, in the words of ``STEPS``; what came of it."""
    work = LoadWork.model_validate_json(known[LOAD])
    parts = Parts(Store(work.place, work.storage))
    steps = _steps(work, parts, known[URL], f"{step} {index}", context)
    lot: Sequence[Entry] = ()
    if step == OBJECTS:
        parts.require_whole()
    if step == DATA:
        sizes = parts.sizes
        lot = steps.lot(index, work.lots, lambda one: sizes.get(one.number, 0))
    needed = steps.left(lot) if step == DATA else steps.passes.others if step == FINISH else []
    with tempfile.TemporaryDirectory() as folder:
        steps = replace(steps, dump=parts.fetch(needed, Path(folder, "dump"), context))
        return {OBJECTS: steps.objects, DATA: lambda: steps.data(lot), FINISH: steps.finish}[step]()


def _steps(work: LoadWork, parts: Parts, url: str, title: str, context: Context) -> Steps:
    target = replace(
        Target.of_url(url, binaries_for(parts.dump, clients)),
        managed=tuple(work.managed),
        session=work.session,
        application=f"reforge {title}",
    )
    left_out = set(work.without)
    entries = [one for one in chosen(parts.dump, work.options, context) if one.number not in left_out]
    return Steps(parts.dump, entries, target, work.options, context, work.load)
