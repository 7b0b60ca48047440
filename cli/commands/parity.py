"""Compare a restore with the source before it serves.

Settings, roles, rights, extensions, the order of text and more.
Differences that can hurt are gates: `reforge cutover` refuses them unless they are waived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore
from cli.restored import declared, url_of
from problem import Misuse, Problem

if TYPE_CHECKING:
    from cli.session import Session
    from validation.parity.comparison import Parity


@click.command(help=__doc__)
@click.argument("name", required=False, shell_complete=complete_restore)
@click.option(
    "--url",
    envvar="REFORGE_PARITY_URL",
    help="The restored server, without a stack or by another role. From the environment it stays out of ps.",
)
@click.option(
    "--source-url",
    envvar="REFORGE_PARITY_SOURCE_URL",
    help="The original, likewise.",
)
@click.option(
    "--all-indexes",
    is_flag=True,
    help="Check the order of all indexes over text by amcheck, not only where a collation's version differs.",
)
@click.pass_obj
def command(
    session: Session, name: str | None, url: str | None, source_url: str | None, all_indexes: bool
) -> None:
    from cli.parity import show

    found = _compared(session, name, (url, source_url), all_indexes)
    waived = session.file.raw["restores"][name].get("waived-differences") or {} if name else {}
    show(session.screen, found, waived)
    session.screen.document({**found.document(), "waived": sorted(waived)})
    left = [one.name for one in found.gates if one.name not in waived]
    if left:
        what = f"{len(left)} differences can hurt: {', '.join(left)}"
        cure = "Mend them as told above." if not name else _cure(session, name, left)
        raise Problem("source-differs", what, cure)


def _compared(
    session: Session, name: str | None, urls: tuple[str | None, str | None], all_indexes: bool
) -> Parity:
    from cli.parity import compared, kept_reading

    url, source_url = urls
    if name:
        declared(session, name)
        url = url or url_of(session, name)
        source_url = source_url or session.engine.secret("source-url")
        return compared(session, url, source_url, kept=kept_reading(session), all_indexes=all_indexes)
    if not (url and source_url):
        cure = "Give the name of a restore, or both --url and --source-url."
        raise Misuse("parity-of-what", "Compare what with what?", cure)
    return compared(session, url, source_url, all_indexes=all_indexes)


def _cure(session: Session, name: str, left: list[str]) -> str:
    from cli.parity import waiving

    waive = waiving(session, name, left)
    return f"Mend them as told above; what may stay is waived at the cut-over: {waive}"
