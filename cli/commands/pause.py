"""Stop everything that writes, and capture diagnostics.

Diagnostics are of the damaged database: its sessions, its WAL position, its sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report, stage_options
from cli.stage import Stage

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@stage_options
@click.option(
    "--diagnostics/--no-diagnostics",
    default=True,
    help="Save pg_stat_activity, WAL position and sizes of the source.",
)
@click.pass_obj
def command(session: Session, yes: bool, dry_run: bool, diagnostics: bool) -> None:
    stage = Stage(session, "pause")

    def stop_writing(draft: Draft) -> None:
        draft.set("writing", to="none")

    if diagnostics and not dry_run:
        capture(session, stage)
    stage.run(stop_writing, yes=yes, dry_run=dry_run)
    report(session, stage)


def capture(session: Session, stage: Stage) -> None:
    """Save the state of the source into the incident's folder; a source that does not answer is only told."""
    import json
    from datetime import UTC, datetime

    from problem import Problem
    from validation.activity import diagnostics
    from validation.parity.reading import read

    try:
        url = session.engine.secret("source-url")
        found, kept = diagnostics(url), read(url)
    except Problem as problem:
        session.screen.warn(f"No diagnostics of the source: {problem.what}")
        return
    folder = session.folder / "diagnostics"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{session.stack}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    document = {**found.document(), "parity": kept.document()}  # for `reforge parity`, should it die
    path.write_text(json.dumps(document, indent=2, default=str))
    writing = sum(one.writing for one in found.sessions)
    sessions = f"{len(found.sessions)} sessions, {writing} writing"
    session.screen.say(
        f"Diagnostics: {path.relative_to(session.project)} ({sessions}; "
        f"WAL at {found.wal_position}, last archived {found.last_archived_wal})"
    )
    stage.facts["diagnostics"] = str(path)
