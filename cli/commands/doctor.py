"""Say what is missing on this machine and how to get it.

Looks for the Pulumi engine, PostgreSQL and pgbouncer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from problem import Problem

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    from dataclasses import asdict

    from toolchain.doctor import examine

    findings, screen = examine(), session.screen
    for one in findings:
        screen.say(
            f"{'ok  ' if one.ok else 'MISS'}  {one.name:<12} {one.detail}", fg="green" if one.ok else "red"
        )
        if one.cure:
            screen.say(f"      {'':<12} get it: {one.cure}")
    missing = [one.name for one in findings if not one.ok]
    if not missing:
        screen.document({"ok": True, "findings": [asdict(one) for one in findings]})
        return
    screen.document({"ok": False, "findings": [asdict(one) for one in findings]})
    raise Problem("machine-incomplete", f"Missing on this machine: {', '.join(missing)}.")
