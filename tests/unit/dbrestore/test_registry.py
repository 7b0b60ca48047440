"""Every room's handlers are found, and each says what the engine and the stack need of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dbrestore.registry import Handlers
from stacks import plugin


def test_every_resource_that_a_stack_declares_has_a_handler() -> None:
    declared = {
        kind.resource_type
        for kind in vars(plugin).values()
        if hasattr(kind, "resource_type") and kind.__doc__
    }
    assert declared == set(Handlers())


def test_names_that_handlers_speak_of_are_names_of_their_inputs() -> None:
    for token, handler in Handlers().items():
        names = {field.alias or name for name, field in handler.inputs.model_fields.items()}
        assert set(handler.fixed) <= names, token
        assert handler.resource_type == token


def test_a_handler_is_found_by_its_token_and_stays_the_same() -> None:
    handlers = Handlers()
    assert handlers["dbrestore:envfile:Entry"] is handlers["dbrestore:envfile:Entry"]
    assert len(handlers) == len(set(handlers))


@pytest.mark.parametrize(
    "token", ["dbrestore:envfile:Lines", "dbrestore:nowhere:Entry", "Entry", "a:b:c:d", ""]
)
def test_there_is_no_handler_for_what_no_room_has(token: str) -> None:
    with pytest.raises(KeyError):
        Handlers()[token]


def test_a_room_is_imported_when_a_resource_of_it_is_met() -> None:
    script = (
        "import sys; from dbrestore.registry import Handlers; handlers = Handlers()\n"
        "handlers['dbrestore:envfile:Entry']\n"
        "print([room for room in ('envfile', 'postgres') if f'dbrestore.{room}' in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['envfile']"
