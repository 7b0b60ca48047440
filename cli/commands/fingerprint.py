"""Print a fingerprint of a database's rows.

Equal for equal content, on any server, whatever the order of the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.option(
    "--url",
    envvar="REFORGE_FINGERPRINT_URL",
    required=True,
    help="Any PostgreSQL. From the environment it stays out of ps.",
)
@click.option("--table", "tables", multiple=True, help="This table only; may be given again.")
@click.pass_obj
def command(session: Session, url: str, tables: tuple[str, ...]) -> None:
    from validation.fingerprint import fingerprint

    found = fingerprint(url, tables or None)
    session.screen.say(f"{found.total}  {found.rows} rows")
    session.screen.document(found.document())
