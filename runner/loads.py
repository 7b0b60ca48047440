"""A pod's step of a load: fetches what it needs of the dump, and does what a load on one machine does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs.loading import LOAD, URL, LoadWork
from dbrestore.logical.entrance import why_shut
from dbrestore.logical.entries import Entry
from dbrestore.logical.fetching import Store
from dbrestore.logical.opening import binaries_for, chosen
from dbrestore.logical.parts import Parts
from dbrestore.logical.steps import DATA, FINISH, OBJECTS, Steps
from dbrestore.logical.target import Target
from problem import Problem
from toolchain.postgres import clients


def load(step: str, known: Mapping[str, str], index: int, context: Context) -> Mapping[str, Any]:
    """One step, in the words of ``STEPS``; what came of it. Problem ``load-no-entry``, or the load's own."""
    work = LoadWork.model_validate_json(known[LOAD])
    parts = Parts(Store(work.place, work.storage))
    pod = _Pod(work, parts, _steps(work, parts, known[URL], f"{step} {index}", context))
    require_entry(pod.steps.target)
    return {OBJECTS: pod.objects, DATA: lambda: pod.data(index), FINISH: pod.finish}[step]()


def require_entry(target: Target) -> None:
    """Whether the database lets this pod in: it comes from another address than whoever restores."""
    if why := why_shut(target.parameters):
        place = f"{target.parameters.get('host')}:{target.parameters.get('port', 5432)}"
        cure = "Add the network that the cluster's pods come from to `operators`, then run it again."
        raise Problem("load-no-entry", f"{place} does not let the runner's pods in: {why}", cure)


@dataclass(frozen=True)
class _Pod:
    work: LoadWork
    parts: Parts
    steps: Steps
    """With the dump as it lies in its store."""

    def objects(self) -> Mapping[str, Any]:
        self.parts.require_whole()
        with self._with([], self.steps.context) as steps:
            return steps.objects()

    def data(self, index: int) -> Mapping[str, Any]:
        """As many tables at a time as there are connections: the pod has room for those, not for all."""
        sizes, at_once = self.parts.sizes, self.work.jobs
        lot = self.steps.lot(index, self.work.lots, lambda one: sizes.get(one.number, 0))
        left = self.steps.left(lot)
        for start in range(0, len(left), at_once):
            tables = left[start : start + at_once]
            with self._with(tables, self._counted(len(lot) - len(left) + start, len(lot))) as steps:
                steps.fill(tables)
        return self.steps.filled(lot)

    def finish(self) -> Mapping[str, Any]:
        with self._with(self.steps.passes.others, self.steps.context) as steps:
            return steps.finish()

    @contextmanager
    def _with(self, entries: Sequence[Entry], context: Context) -> Iterator[Steps]:
        """The steps with the data of these entries on this machine."""
        with tempfile.TemporaryDirectory() as folder:
            dump = self.parts.fetch(entries, Path(folder, "dump"), context)
            yield replace(self.steps, dump=dump, context=context)

    def _counted(self, done: int, total: int) -> Context:
        context = self.steps.context
        return replace(context, progress=lambda line: context.progress(f"{done} of {total} tables; {line}"))


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
