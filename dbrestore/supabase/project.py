"""``dbrestore:supabase:Project``: a new project filled from a dump, or a clone that is adopted by its ref."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import ClassVar

from archive.supabase import Record
from dbrestore.handler import Context, Handler, PartlyMade, State
from dbrestore.supabase import access, adopting, entrance, marks
from dbrestore.supabase.addresses import addresses, learnt
from dbrestore.supabase.api import Api
from dbrestore.supabase.filling import ADMIN, Filling, admin_password
from dbrestore.supabase.inputs import ProjectInputs
from dbrestore.supabase.making import Making
from dbrestore.supabase.marks import Mark, ref_of
from problem import Problem, Refusal

_ADD_ANOTHER = "a restored project is never made anew in place; add another restore under a new name"


class Project(Handler):
    """See ``ProjectInputs``. The identity is its marked name; of an adopted one it is the ref."""

    resource_type = "dbrestore:supabase:Project"
    inputs = ProjectInputs
    secrets = frozenset({"password"})
    fixed: ClassVar = {
        name: _ADD_ANOTHER for name in ("name", "source", "dump", "adopt", "region", "size", "user")
    }

    def examine(self, context: Context, inputs: ProjectInputs) -> None:
        with _api(context) as api:
            if inputs.adopt:
                adopting.require_adoptable(inputs, api)
            else:
                _filling(inputs, context).examine()
                Making(inputs, _mark(context, inputs), api, context).examine()

    def create(self, context: Context, inputs: ProjectInputs) -> tuple[str, State]:
        with _api(context) as api:
            if inputs.adopt:
                return inputs.adopt, adopting.adopt(inputs, {}, api, context)
            return _mark(context, inputs).name, _make(inputs, {}, api, context)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        with _api(context) as api:
            found = _find(identity, api)
            if found is None:
                return None
            finished = state.get("adopt") or found["name"] == identity
            status = "ready" if found["status"] == adopting.READY and finished else found["status"].lower()
            return {**state, "ref": ref_of(found), "status": status}

    def update(self, context: Context, identity: str, state: State, inputs: ProjectInputs) -> State:
        with _api(context) as api:
            if state.get("status") != "ready":
                make = adopting.adopt if inputs.adopt else _make
                return {**state, **make(inputs, state, api, context)}
            networks = access.restrict(state["ref"], access.wanted(inputs, api), api, context)
            return {**state, **inputs.wire(), "networks": networks}

    def delete(self, context: Context, identity: str, state: State) -> None:
        if state.get("serving"):
            cure = "Roll back or cut over to another instance first."
            raise Refusal("still-serving", f"{identity} serves the application; it is not removed.", cure)
        with _api(context) as api:
            if state.get("adopt"):
                adopting.forget(state, api, context)
                return
            found = _find(identity, api)
            if found is not None:
                context.progress(f"deleting project {ref_of(found)}")
                api.delete(ref_of(found))
            elif ref := state.get("ref"):
                _require_gone(ref, identity, api)

    def drift(self, state: State, inputs: object) -> frozenset[str]:
        return frozenset() if state.get("status") == "ready" else frozenset({"status"})


def _make(inputs: ProjectInputs, state: State, api: Api, context: Context) -> State:
    """From nothing, or from where a killed run stopped, to a project that holds the dump.

    ``state`` is what is known of it so far.
    """
    begun, mark = datetime.now(UTC), _mark(context, inputs)
    making = Making(inputs, mark, api, context)
    ref = making.start()
    try:
        project = making.healthy(ref)
        places = addresses(ref, project["database"]["host"], api.poolers(ref))
        networks = access.restrict(ref, access.wanted(inputs, api), api, context)
        filled: State = {}
        if mark.phase(project) != marks.READY:
            entrance.require(places["session"], ADMIN, admin_password(inputs), context)
            api.rename(ref, mark.at(marks.LOADING))
            filled = _filling(inputs, context).fill(places["session"])
            api.rename(ref, mark.at(marks.READY))
    except Problem as problem:
        raise _kept_or_cleaned(problem, mark, {**state, **inputs.wire()}, api) from problem
    seconds = (datetime.now(UTC) - begun).total_seconds()
    known = learnt(project, places, networks) | {"restoredInSeconds": seconds}
    return {**inputs.wire(), **filled, **known}


def _kept_or_cleaned(problem: Problem, mark: Mark, state: State, api: Api) -> Problem:
    """What cannot become a restore is deleted; what the next run can go on with, or must clear, is kept.

    A finished one is kept whatever became of it: it may have served.
    """
    found = None
    with suppress(Problem):
        found = mark.find(api.projects())
        if found and _hopeless(problem, mark.phase(found)):
            api.delete(ref_of(found))
            return problem
    ref = {"ref": ref_of(found)} if found else {}
    return PartlyMade(problem, mark.name, {**state, **ref, "status": "making"})


def _hopeless(problem: Problem, phase: str | None) -> bool:
    if phase == marks.LOADING and not _may_pass(problem):
        return True
    return phase != marks.READY and problem.name == "supabase-project-failed"


def _may_pass(problem: Problem) -> bool:
    """Whether it says nothing about the dump: somebody's Ctrl-C, or an API that is away."""
    return problem.name == "interrupted" or problem.name.startswith("supabase-")


def _find(identity: str, api: Api) -> Record | None:
    """Our project by its mark, or an adopted one by its ref."""
    projects = api.projects()
    adopted = [one for one in projects if ref_of(one) == identity]
    return adopted[0] if adopted else Mark(identity).find(projects)


def _require_gone(ref: str, identity: str, api: Api) -> None:
    """Somebody gave it another name: whether it is still ours cannot be told, so it is left alone."""
    left = [one for one in api.projects() if ref_of(one) == ref and one["status"] not in marks.GONE]
    if left:
        what = f"Project {ref} is named {left[0]['name']!r} and no more {identity!r}; it is left alone."
        cure = "Delete it in the dashboard, or give it that name again; then run the same command again."
        raise Refusal("supabase-not-ours", what, cure)


def _mark(context: Context, inputs: ProjectInputs) -> Mark:
    return Mark.of(inputs.name, f"{context.urn} {inputs.source}", inputs.dump.identity if inputs.dump else "")


def _filling(inputs: ProjectInputs, context: Context) -> Filling:
    if inputs.dump is None:
        raise Problem("supabase-nothing-to-load", f"{inputs.name} has neither a dump nor a project to adopt.")
    return Filling(inputs, inputs.dump, context)


@contextmanager
def _api(context: Context) -> Iterator[Api]:
    api = Api(context.cancelled)
    try:
        yield api
    finally:
        api.close()
