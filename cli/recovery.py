"""After a run that failed or was killed: what it left in the engine's books and in the config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.session import Session

OURS = "dbrestore:"
"""What our own plugin makes carries a mark that it looks for. A cloud's provider would take in whatever has
the name, the original too, so that nothing of a cloud is ever adopted."""


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
    if not token.startswith(OURS):
        session.screen.say(_unsure(name))
        return
    if session.engine.adopt(token, name, identity):
        session.screen.say(f"Found what an earlier run left of {name}.")


def withdraw(session: Session, name: str, before: str) -> None:
    """Take a restore out of the config again of which nothing came to be: it would stop every later stage.

    ``before``: the config's text without it. Half-made work keeps its entry, so that it goes on.
    """
    state = session.engine.state()
    pending = [one["resource"] for one in state.get("pending_operations") or []]
    known = any(one["urn"].endswith(f"::{name}") for one in (state.get("resources") or []) + pending)
    _, identity = session.file.config().source.place_of(name)
    if session.file.text == before or known or _is_there(identity):
        return
    session.file.write(before)
    session.journal.note(withdrawn=name)
    known_here = Path(identity).is_absolute()
    words = f"Nothing of {name} was made; it" if known_here else f"{_unsure(name)} It"
    session.screen.say(f"{words} is taken out of the config again.")


def _unsure(name: str) -> str:
    """Of a cloud no more is known: a provider forgets a create that it gave up on, and the cloud goes on."""
    return f"Nothing of {name} is in the state. It may be made all the same: look for it in the cloud."


def _is_there(identity: str) -> bool:
    """Whether it is a folder of this machine, and there; a cloud's are known by the engine alone."""
    return Path(identity).is_absolute() and Path(identity).exists()
