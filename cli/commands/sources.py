"""List what can be restored: backups, time windows, gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    from stacks.kinds import load
    from stacks.model import PROVIDERS

    source = session.file.config().source
    catalog = load(PROVIDERS, source.provider, "catalog").what_can_be_restored(source)
    document = catalog.document()
    _tell(session, document)
    session.screen.document(document)


def _tell(session: Session, found: dict[str, Any]) -> None:
    screen = session.screen
    if not found["backups"]:
        screen.warn("There is no base backup: nothing can be restored.")
        return
    screen.heading("Backups:")
    rows = [
        [
            one["name"],
            _size(one["size"]),
            one["started"] or "",
            _text(one["version"]),
            "; ".join(one["problems"]),
        ]
        for one in found["backups"]
    ]
    screen.table(["name", "size", "started", "version", "problems"], rows)
    screen.heading("Any time within these windows:")
    spans = [[one["start"], one["end"], one["backup"], _text(one["timeline"])] for one in found["windows"]]
    screen.table(["from", "to", "backup", "timeline"], spans)
    for window in found["windows"]:
        for gap in window["gaps"]:
            screen.warn(
                f"Gap after {window['end']}: " + ", ".join(f"{key} {value}" for key, value in gap.items())
            )
    for name in found["stillInSource"]:
        screen.warn(f"{name} is not archived; it still lies in the source's pg_wal.")
    if found["windows"]:
        screen.next(session.command("restore NAME --time TIME"))


def _size(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:,.0f} MiB"


def _text(value: object) -> str:
    return "" if value is None else str(value)
