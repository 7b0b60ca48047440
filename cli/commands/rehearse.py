"""Play one whole incident on this machine, with real servers.

PostgreSQL, pgbouncer, an application under load, an accident, and the way back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.option(
    "--home", type=click.Path(path_type=Path), default=Path(".reforge/rehearsal"), show_default=True
)
@click.pass_obj
def command(session: Session, home: Path) -> None:
    from rehearsal.story import Story

    screen = session.screen

    def say(line: str) -> None:
        if line.startswith("\n=="):
            screen.say(line, bold=True)
        elif line.startswith("$"):
            screen.say(line, fg="cyan")
        else:
            screen.say(line)

    report = Story(home.absolute(), say).tell()
    cutover, ledger = report["cutover"], report["ledger"]
    screen.heading("The rehearsal succeeded.")
    screen.say(
        f"{ledger['acknowledged_before_target']} acknowledged writes kept, "
        f"{ledger['missing_after_restore']} lost; "
        f"{cutover['failed_requests']} failed requests, longest stall {cutover['longest_stall_ms']:.0f} ms; "
        "the original untouched."
    )
    screen.table(
        ["stage", "state", "seconds"],
        [[one["name"], one["state"], f"{one['seconds']:.1f}"] for one in report["stages"]],
    )
    screen.say(f"Report: {home / 'report.json'}")
    screen.document(report)
