"""``dbrestore:loading:Load``: a dump in the database of an instance that was made empty for it."""

from __future__ import annotations

from typing import ClassVar

from dbrestore.handler import Context, Handler, State
from dbrestore.loading.inputs import Loading
from dbrestore.loading.loading import load_dump

_ADD_ANOTHER = "what is loaded is never loaded over; add another restore under a new name"


class Load(Handler):
    """See ``Loading``. The data is the instance's and goes with it; its database says how far it is."""

    resource_type = "dbrestore:loading:Load"
    inputs = Loading
    secrets = frozenset({"url", "password"})
    fixed: ClassVar = {name: _ADD_ANOTHER for name in ("name", "place", "schemas", "tables")}

    def create(self, context: Context, inputs: Loading) -> tuple[str, State]:
        return inputs.name, {**inputs.wire(), **load_dump(inputs, context)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        return state

    def update(self, context: Context, identity: str, state: State, inputs: Loading) -> State:
        """Nothing is loaded twice: another password, say, is only taken down."""
        return {**state, **inputs.wire()}

    def delete(self, context: Context, identity: str, state: State) -> None:
        """Forgotten; what it loaded is the instance's."""
