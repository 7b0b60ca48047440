"""A clone that somebody made in the dashboard, taken in by its ref: let in to, checked, never deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archive.supabase import Record
from dbrestore.handler import Context, PartlyMade, State
from dbrestore.supabase import access, entrance
from dbrestore.supabase.addresses import addresses, learnt
from dbrestore.supabase.api import Api
from dbrestore.supabase.inputs import ProjectInputs
from dbrestore.supabase.marks import ref_of
from problem import Problem, Refusal

READY = "ACTIVE_HEALTHY"


def adopt(inputs: ProjectInputs, state: State, api: Api, context: Context) -> State:
    """Somebody made it; we let in whom the config says, and remember whom it let in before.

    ``state`` is what an earlier try has kept. Until the application's role came in, the project may be
    anybody's: its operators are let in, and nobody is shut out.
    """
    project = require_adoptable(inputs, api)
    ref = ref_of(project)
    before = state.get("before") or sorted(access.allowed(api.restrictions(ref)))
    places = addresses(ref, project["database"]["host"], api.poolers(ref))
    kept = {**inputs.wire(), "ref": ref, "before": before, "status": "adopting"}
    try:
        wanted = access.wanted(inputs, api)
        if not access.EVERYBODY <= set(before):
            access.restrict(ref, {*before, *wanted}, api, context)
        entrance.require(places["session"], inputs.user, inputs.password, context)
        networks = access.restrict(ref, wanted, api, context)
    except Problem as problem:
        raise PartlyMade(problem, ref, kept) from problem
    context.note(
        f"project {ref} is a copy with its original's pg_cron jobs, which run in it since it was made: "
        "look at cron.job there, and unschedule what should not run twice"
    )
    return {**kept, **learnt(project, places, networks)}


def require_adoptable(inputs: ProjectInputs, api: Api) -> Record:
    """The clone; Refusal where it is the original, or what stands for it, or not healthy yet."""
    if inputs.adopt in (inputs.source, inputs.like):
        cure = "Clone it in the dashboard: Database, Backups, Restore to new project; then name that one."
        raise Refusal("supabase-adopts-original", f"{inputs.adopt} is the original itself.", cure)
    project = api.project(str(inputs.adopt))
    if project["status"] != READY:
        what = f"Project {inputs.adopt} is {project['status']}."
        raise Refusal("supabase-not-adoptable", what, "Wait until the dashboard says that it is healthy.")
    return project


def forget(state: State, api: Api, context: Context) -> None:
    """An adopted project stays; it lets in again whom it let in before."""
    with _while_it_exists():
        access.restrict(state["ref"], state["before"], api, context)
        context.note(f"project {state['ref']} was adopted and stays; delete it in the dashboard")


@contextmanager
def _while_it_exists() -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        if problem.name != "supabase-project-missing":
            raise
