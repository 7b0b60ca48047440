"""Every room's handlers are found, and each says what the engine and the stack need of it."""

from __future__ import annotations

from dbrestore.registry import Handlers
from stacks import plugin


def test_every_resource_that_a_stack_declares_has_a_handler() -> None:
    declared = {kind.token for kind in vars(plugin).values() if hasattr(kind, "token") and kind.__doc__}
    assert declared == set(Handlers())


def test_names_that_handlers_speak_of_are_names_of_their_inputs() -> None:
    for token, handler in Handlers().items():
        names = {field.alias or name for name, field in handler.inputs.model_fields.items()}
        assert set(handler.fixed) <= names, token
        assert handler.token == token
