"""Print a connection string, masked unless asked otherwise.

Of what serves, of the source, or of a restore by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.options import complete_restore
from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.argument("name", default="serving", shell_complete=complete_restore)
@click.option("--show", is_flag=True, help="Show the password.")
@click.option("--key", default="DATABASE_URL", help="Name of the variable.")
@click.pass_obj
def command(session: Session, name: str, show: bool, key: str) -> None:
    from stacks.urls import masked

    url = _url(session, session.engine.outputs(), name)
    shown = url if show else masked(url)
    session.screen.say(f"{key}={shown}")
    session.screen.document({"name": name, "key": key, "url": shown})


def _url(session: Session, outputs: dict[str, Any], name: str) -> str:
    restores = outputs.get("restores") or {}
    if name == "source":
        return session.engine.secret("source-url")
    if name == "serving":
        return str(outputs.get("url") or session.engine.secret("source-url"))
    if name not in restores:
        known = ", ".join(["serving", "source", *restores])
        raise Misuse("no-such-restore", f"There is no connection string of {name!r} (known: {known})")
    return str(restores[name]["url"])
