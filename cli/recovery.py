"""After a killed run: what the engine's state does not know yet, taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.session import Session


def adopt_pending(session: Session, name: str) -> bool:
    """Adopt a resource whose create was killed; tells whether there was one.

    The engine keeps such a create as pending and forgets it on the next update; an instance whose
    entry is gone from the config would so be left on the machine, in nobody's books.
    """
    last = session.journal.last()
    if last is None or not last.killed:
        return False
    session.engine.unlock()
    for operation in session.engine.state().get("pending_operations") or []:
        resource = operation["resource"]
        if operation["type"] == "creating" and resource["urn"].endswith(f"::{name}"):
            session.engine.adopt(resource["type"], name, resource["inputs"]["directory"])
            return True
    return False
