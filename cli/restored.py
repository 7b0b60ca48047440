"""A restore by its name: what the config declares of it, where its server is, who decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session


def declared(session: Session, name: str) -> Any:
    """The restore as the checked config has it; Misuse where it has none of that name."""
    from stacks.messages import nearest

    restores = session.file.config().restores
    if name not in restores:
        known = ", ".join(restores) or "none"
        raise Misuse(
            "no-such-restore", f"There is no restore {name!r}{nearest(name, restores)} (declared: {known})"
        )
    return restores[name]


def url_of(session: Session, name: str) -> str:
    """The connection string of a declared restore; Misuse where it is not restored yet."""
    outputs = session.engine.outputs().get("restores", {}).get(name)
    if not outputs:
        raise Misuse(
            "not-restored",
            f"{name} is declared but not restored yet.",
            session.command("restore", name, "--yes"),
        )
    return str(outputs["url"])


def signature() -> dict[str, str]:
    """Who decides, and when, as the config keeps it."""
    import getpass
    from datetime import UTC, datetime

    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "by": getpass.getuser(),
    }
