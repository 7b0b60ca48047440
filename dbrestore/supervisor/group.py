"""``dbrestore:supervisor:Group``: which of a group's processes run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from dbrestore.handler import Context, Handler, Inputs, PartlyMade, State
from dbrestore.supervisor.client import ALIVE, Process, Supervisor
from dbrestore.supervisor.record import Record, RecordFile, taken
from dbrestore.supervisor.running import run_exactly
from problem import Problem

_OTHER = "a writer is one group of one supervisord; declare another writer for another one"


class GroupInputs(Inputs):
    """``desired`` of ``group``: all that ran originally, one of it, or none."""

    server: str = Field(pattern=r"^(unix:///|http://)")
    username: str | None = None
    password: str | None = None
    group: str = Field(min_length=1)
    desired: Literal["all", "canary", "none"]
    database: str | None = None
    """Where the application's database is, host:port. A process learns it when it starts, so that what
    runs is started anew when this changes; else it would write on to the database that was left."""
    record: Path
    """Folder where the durable record lies."""
    timeout: float = Field(default=60, gt=0, le=3600)
    """Seconds for stopping, and again for starting; more than the programs' stopwaitsecs."""

    def supervisor(self) -> Supervisor:
        return Supervisor(self.server, self.group, self.username, self.password)


class Group(Handler):
    """See ``GroupInputs``. State besides the inputs: ``original`` (names that ran before we touched any)
    and ``processes`` (name -> state as last seen).
    """

    resource_type = "dbrestore:supervisor:Group"
    inputs = GroupInputs
    secrets = frozenset({"password"})
    fixed: ClassVar[Mapping[str, str]] = {"group": _OTHER}

    def create(self, context: Context, inputs: GroupInputs) -> tuple[str, State]:
        identity = f"{inputs.group}@{inputs.server}"
        file = RecordFile(inputs.record, inputs.group)
        try:
            return identity, _bring(context, inputs, file, None)
        except Problem as problem:
            record = file.load()
            if record is None:
                raise
            state = {**inputs.wire(), "original": list(record.original), "processes": record.states}
            raise PartlyMade(problem, identity, state) from problem

    def read(self, context: Context, identity: str, state: State) -> State | None:
        if not state:
            return None
        server, group = str(state["server"]), str(state["group"])
        try:
            with closing(Supervisor(server, group, state.get("username"), state.get("password"))) as client:
                return {**state, "processes": _states(client.processes().values())}
        except Problem as problem:
            if problem.name == "group-unknown":
                return None
            raise

    def update(self, context: Context, identity: str, state: State, inputs: GroupInputs) -> State:
        file = RecordFile(inputs.record, inputs.group)
        return _bring(context, inputs, file, state)

    def delete(self, context: Context, identity: str, state: State) -> None:
        """Processes stay as they are. What ran originally is remembered until all of it runs again."""
        file = RecordFile(Path(state["record"]), state["group"])
        record = file.load()
        if record is not None and record.may_be_renewed:
            file.remove()

    def drift(self, state: State, inputs: object) -> frozenset[str]:
        wanted = _wanted(state["desired"], state.get("original", ()))
        states: Mapping[str, str] = state.get("processes", {})
        running = {name for name, now in states.items() if now in ALIVE}
        return frozenset() if running == wanted else frozenset({"processes"})


def _bring(context: Context, inputs: GroupInputs, file: RecordFile, state: State | None) -> State:
    """Record, then stop and start until exactly the wanted processes run."""
    with closing(inputs.supervisor()) as client:
        record = _record(file, inputs, client.processes(), state)
        file.save(record.begin(inputs.desired))
        if _moved(inputs, state):
            run_exactly(client, set(), inputs.timeout, context)
        now = run_exactly(client, _wanted(inputs.desired, record.original), inputs.timeout, context)
        _tell_given_up(client, record, now, context)
    file.save(record.begin(inputs.desired).fulfil())
    return {**inputs.wire(), "original": list(record.original), "processes": _states(now)}


def _tell_given_up(client: Supervisor, record: Record, now: Iterable[Process], context: Context) -> None:
    """Who failed before we came, maybe by the very accident, comes back by hand alone."""
    idle = {process.name for process in now if not process.alive}
    for name in sorted(name for name in idle if record.states.get(name) == "FATAL"):
        start = client.command(f"start {client.group}:{name}")
        context.note(
            f"{client.group}:{name} was FATAL before the pause, and is not started again. By hand: {start}"
        )


def _moved(inputs: GroupInputs, state: State | None) -> bool:
    """Whether processes may run that know another database."""
    known = state.get("database") if state else None
    return known is not None and known != inputs.database


def _record(
    file: RecordFile, inputs: GroupInputs, processes: Mapping[str, Process], state: State | None
) -> Record:
    """The record that holds; a new one where none does, or where leaving "all" makes the present count."""
    known = file.load()
    present = taken(inputs.group, _states(processes.values()))
    if known is None and state and state.get("original") is not None:
        # the file was lost, the engine's state was not
        known = Record(
            inputs.group, tuple(state["original"]), present.states, present.recorded_at, state["desired"]
        )
    if known is None or (known.may_be_renewed and inputs.desired != "all"):
        return present
    return known


def _wanted(desired: str, original: Iterable[str]) -> set[str]:
    names = sorted(original)
    return set({"all": names, "canary": names[:1], "none": []}[desired])


def _states(processes: Iterable[Process]) -> dict[str, str]:
    return {process.name: process.state for process in processes}
