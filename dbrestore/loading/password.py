"""``dbrestore:loading:Password``: an administrator's password for the time of a load."""

from __future__ import annotations

import secrets
from typing import ClassVar

from dbrestore.handler import Context, Handler, State
from dbrestore.loading.inputs import PasswordInputs

_BYTES = 32
_EVERY_KIND = "-Aa1"
"""A cloud may ask for a letter of either case, a digit and something else."""


class Password(Handler):
    """Drawn once and kept in the stack's state, encrypted; nothing that anybody else knows leads to it."""

    resource_type = "dbrestore:loading:Password"
    inputs = PasswordInputs
    secrets: ClassVar[frozenset[str]] = frozenset({"password"})

    def create(self, context: Context, inputs: PasswordInputs) -> tuple[str, State]:
        drawn = secrets.token_urlsafe(_BYTES) + _EVERY_KIND
        return inputs.name, {**inputs.wire(), "password": drawn}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        return state

    def update(self, context: Context, identity: str, state: State, inputs: PasswordInputs) -> State:
        return {**state, **inputs.wire()}

    def delete(self, context: Context, identity: str, state: State) -> None:
        """Forgotten; it was good for one instance."""
