"""Serves the handlers to the Pulumi engine: checks, diffs, creates, reads, updates and deletes.

The engine's rules this keeps (https://www.pulumi.com/docs/iac/build-with-pulumi/provider-protocol/):
numbers arrive as floats, a diff names each property, a preview touches nothing, and work that was
half done is given back with its state so that it is not orphaned.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pulumi.provider.experimental.provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from dbrestore.checking import checked
from dbrestore.handler import Context, Handler, Inputs, State
from dbrestore.values import has_unknowns, plain, wire
from problem import Problem

UNSURE = "REFORGE_UNSURE"
"""Set in the environment of a run that takes stock after one that was killed."""
Tell = Callable[[str, str, bool], None]
"""Takes a URN, one line for people, and whether it is worth keeping or mere progress."""


class Provider(protocol.Provider):
    """One method a verb of the engine; each finds the handler of the resource's type."""

    def __init__(self, handlers: Mapping[str, Handler], tell: Tell) -> None:
        self._handlers, self._tell = handlers, tell
        self._cancelled, self._unsure = threading.Event(), UNSURE in os.environ
        self.busy = 0
        """Calls at work in threads just now."""
        self.was_busy = False
        """Whether any were when they were asked to end."""

    def stop(self) -> None:
        """Ask the calls at work to end at their next safe point."""
        self.was_busy = self.busy > 0
        self._cancelled.set()

    def serve_anew(self) -> None:
        """Another run of the engine begins: the end of the one before has cancelled nothing of it."""
        self._cancelled = threading.Event()

    async def _work(self, call: Callable[..., Any], *values: Any) -> Any:
        """Handlers block, and there is one event loop: each call has a thread."""
        self.busy += 1
        try:
            return await asyncio.to_thread(call, *values)
        finally:
            self.busy -= 1

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        # Secrets come in clear and the engine marks same-named outputs again by itself.
        return protocol.ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def get_schema(self, request: protocol.GetSchemaRequest) -> protocol.GetSchemaResponse:
        return protocol.GetSchemaResponse(schema='{"name": "dbrestore", "version": "0.1.0"}')

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        handler, old = self._handler(request.type), _plain(request.old_inputs)
        new, failures = checked(handler.inputs, request.new_inputs)
        if not failures:
            failures = _fixed_failures(handler, old, new)
        if not (failures or old or has_unknowns(new)):
            failures = await self._examined(handler, request.urn, new)
        return protocol.CheckResponse(inputs=new, failures=failures)

    async def _examined(
        self, handler: Handler, urn: str, new: Mapping[str, PropertyValue]
    ) -> list[protocol.CheckFailure]:
        """What the world says about a resource that does not exist yet; a preview tells it already."""
        try:
            await self._work(handler.examine, self._context(urn), _inputs(handler, new))
        except Problem as problem:
            return [protocol.CheckFailure("", problem.message)]
        return []

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        handler, state = self._handler(request.type), _plain(request.old_state)
        changed = {
            name: protocol.PropertyDiff(_kind(name, state, request.new_inputs), input_diff=True)
            for name in _changed(handler, state, request.new_inputs)
        }
        for name in handler.drift(state, request.new_inputs):
            changed[name] = protocol.PropertyDiff(protocol.PropertyDiffKind.UPDATE, input_diff=False)
        return protocol.DiffResponse(changes=bool(changed), diffs=list(changed), detailed_diff=changed)

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        if request.preview:
            return protocol.CreateResponse(resource_id="", properties=request.properties)
        handler = self._handler(request.type)
        identity, state = await self._work(
            handler.create, self._context(request.urn), _inputs(handler, request.properties)
        )
        return protocol.CreateResponse(resource_id=identity, properties=wire(state, handler.secrets))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        handler = self._handler(request.type)
        state = await self._work(
            handler.read, self._context(request.urn), request.resource_id, _plain(request.properties)
        )
        if state is None and not (self._unsure and request.properties):
            return protocol.ReadResponse(resource_id="")
        if state is None:  # gone for now, maybe: what it was before us must not be forgotten
            return protocol.ReadResponse(request.resource_id, request.properties, request.inputs)
        return protocol.ReadResponse(request.resource_id, wire(state, handler.secrets), request.inputs)

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        if request.preview:
            return protocol.UpdateResponse(properties={**request.olds, **request.news})
        handler = self._handler(request.type)
        state = await self._work(
            handler.update,
            self._context(request.urn),
            request.resource_id,
            _plain(request.olds),
            _inputs(handler, request.news),
        )
        return protocol.UpdateResponse(properties=wire(state, handler.secrets))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        handler = self._handler(request.type)
        await self._work(
            handler.delete, self._context(request.urn), request.resource_id, _plain(request.properties)
        )

    async def cancel(self) -> None:
        self.stop()

    def _handler(self, token: str) -> Handler:
        try:
            return self._handlers[token]
        except KeyError:
            known = ", ".join(sorted(self._handlers))
            raise Problem("unknown-resource-type", f"dbrestore has no {token}; it has {known}") from None

    def _context(self, urn: str) -> Context:
        return Context(
            urn,
            lambda text: self._tell(urn, text, False),
            self._cancelled,
            lambda text: self._tell(urn, text, True),
            self._unsure,
        )


def _plain(values: Mapping[str, PropertyValue]) -> State:
    return {name: plain(value) for name, value in values.items()}


def _inputs(handler: Handler, values: Mapping[str, PropertyValue]) -> Inputs:
    return handler.inputs.model_validate(_plain(values))


def _changed(handler: Handler, state: State, new: Mapping[str, PropertyValue]) -> list[str]:
    """Inputs whose value differs from the state's, removed ones included; unknown ones count as changed."""
    known = {field.alias or name for name, field in handler.inputs.model_fields.items()}
    names = sorted((known & state.keys()) | new.keys())
    return [name for name in names if _differs(state.get(name), new.get(name))]


def _differs(old: Any, new: PropertyValue | None) -> bool:
    return (new is not None and has_unknowns({"": new})) or old != (None if new is None else plain(new))


def _kind(name: str, state: State, new: Mapping[str, PropertyValue]) -> protocol.PropertyDiffKind:
    if name not in new:
        return protocol.PropertyDiffKind.DELETE
    return protocol.PropertyDiffKind.UPDATE if name in state else protocol.PropertyDiffKind.ADD


def _fixed_failures(
    handler: Handler, old: State, new: Mapping[str, PropertyValue]
) -> list[protocol.CheckFailure]:
    """What may never change on an existing resource is refused, so that nothing is ever replaced."""
    if not old:
        return []
    return [
        protocol.CheckFailure(name, message)
        for name, message in handler.fixed.items()
        if not has_unknowns({name: new.get(name, _NOTHING)}) and _differs(old.get(name), new.get(name))
    ]


_NOTHING = PropertyValue(None)
