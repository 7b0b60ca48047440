"""After a killed run: what the engine's state does not know, taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.session import Session


def adopt_half_made(session: Session, name: str) -> None:
    """Take a restore that is in no books into the engine's state, so that it can be removed in order.

    The engine forgets a create that was killed or lost its plugin; what it made would stay on the
    machine. Nothing there, or what carries no mark of ours, is passed over.
    """
    resources = session.engine.state().get("resources") or []
    if any(resource["urn"].endswith(f"::{name}") for resource in resources):
        return
    without = session.file.edited(lambda draft: draft.remove("restores", name))
    token, identity = session.file.config(without).source.place_of(name)
    if session.engine.adopt(token, name, identity):
        session.screen.say(f"Found what an earlier run left of {name}.")
