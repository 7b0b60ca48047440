"""``dbrestore:loading:Dump``: the look at a dump before an instance is made for it."""

from __future__ import annotations

from dbrestore.handler import Context, Handler, State
from dbrestore.loading.inputs import GivenDump
from dbrestore.loading.platforms import ROLES
from dbrestore.logical import people
from dbrestore.logical.entries import Header
from dbrestore.logical.opening import binaries_for
from dbrestore.logical.origin import Origin
from dbrestore.logical.reading import Dump as AnyDump
from dbrestore.progress import size
from problem import Refusal


class Dump(Handler):
    """See ``GivenDump``. It is its own resource so that the instance can wait for what it proves.

    What the instance is loaded with depends on that instance, and no preview knows it; this depends on
    nothing. Once it was looked at, the dump may go: only another place is looked at again.
    """

    resource_type = "dbrestore:loading:Dump"
    inputs = GivenDump

    def examine(self, context: Context, inputs: GivenDump) -> None:
        context.note("\n".join(self._told(_looked(context, inputs), inputs, context)))

    def create(self, context: Context, inputs: GivenDump) -> tuple[str, State]:
        return inputs.name, _state(inputs, _looked(context, inputs))

    def read(self, context: Context, identity: str, state: State) -> State | None:
        return state

    def update(self, context: Context, identity: str, state: State, inputs: GivenDump) -> State:
        if state.get("place") == inputs.place:
            return {**state, **inputs.wire()}
        return _state(inputs, _looked(context, inputs))

    def delete(self, context: Context, identity: str, state: State) -> None:
        """It was only looked at."""

    def _told(self, dump: AnyDump, inputs: GivenDump, context: Context) -> list[str]:
        """What it will take, for who reviews it."""
        tight = [
            f"The dump takes {size(dump.size)}; unpacked it may be more than the instance's "
            f"{size(inputs.room)} of storage."
        ]
        near = [f"Pods in namespace {inputs.runner.namespace} will load it."] if inputs.runner else None
        return [
            *(tight if dump.unpacked > inputs.room else []),
            *(near or Origin(inputs, context).forecast(dump).lines()),
        ]


def _state(inputs: GivenDump, dump: AnyDump) -> State:
    known = {"dumpOf": dump.header.server, "dumpFormat": dump.format, "bytes": dump.size}
    return {**inputs.wire(), **known}


def _looked(context: Context, inputs: GivenDump) -> AnyDump:
    """The dump; a Problem or Refusal where it cannot be loaded into such an instance."""
    dump, entries = Origin(inputs, context).look()
    _require_version(dump.header, inputs)
    _require_room(dump.size, inputs)
    if inputs.runner:
        from dbrestore.jobs.loading import require_loadable  # only stacks with a runner need it

        require_loadable(inputs.place, dump.format, inputs.runner, context)
    else:
        binaries_for(dump)
    known = {*ROLES[inputs.platform], *inputs.known}
    people.require(people.wanted(entries, inputs.options), inputs.options, known)
    return dump


def _require_version(header: Header, inputs: GivenDump) -> None:
    """Refusal ``dump-newer-than-instance``."""
    major = int(inputs.version.split(".")[0])
    if header.major > major:
        what = (
            f"The dump is of PostgreSQL {header.server}, and {inputs.name} will run {inputs.version}, as the "
            "original does."
        )
        cure = f"Take a dump of {major} or older, or name an instance of {header.major}: `source.like`."
        raise Refusal("dump-newer-than-instance", what, cure)


def _require_room(count: int, inputs: GivenDump) -> None:
    """Refusal ``dump-larger-than-instance`` where not even the dump itself would fit."""
    if count > inputs.room:
        what = f"The dump takes {size(count)}, and {inputs.name} will have {size(inputs.room)} of storage."
        cure = "Restore a part of it (schemas, tables), or name an instance with more storage: `source.like`."
        raise Refusal("dump-larger-than-instance", what, cure)
