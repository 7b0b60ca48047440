"""Restore to a time or a snapshot, from a dump, or by a standby.

Always beside the original, which is never touched: from a base backup to a time, an LSN, a transaction, a
restore point or all archived WAL; from a dump; or by a standby, which is promoted at the cut-over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.dumps import dump_options, take_dump
from cli.options import complete_restore, report, stage_options
from cli.recovery import withdraw
from cli.stage import Stage
from problem import Misuse, Problem

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft

_TARGETS = ("snapshot", "time", "lsn", "xid", "name", "latest", "replica", "dump")
_REFINEMENTS = ("accept_loss", "fence")


@click.command(help=__doc__)
@click.argument("name", shell_complete=complete_restore)
@click.option("--snapshot", help="The state of this snapshot or base backup.")
@click.option("--time", help="Everything committed up to this time, with its zone: 2025-12-03T14:23:00Z.")
@click.option("--lsn", help="Up to this WAL position: 0/1500028.")
@click.option("--xid", help="Up to this transaction: 731.")
@click.option("--restore-point", "point", help="Up to this restore point.")
@click.option("--latest", is_flag=True, help="All archived WAL.")
@click.option("--replica", help="Promote this standby of `source.replicas`, at the cut-over.")
@click.option("--accept-loss", is_flag=True, help="Promote it although the original does not answer.")
@click.option("--fence", is_flag=True, help="Hold writes off the original from the promotion on.")
@dump_options
@click.option("--exclusive", is_flag=True, help="Stop just before the time, LSN or transaction.")
@click.option("--port", type=int, help="Port of the new instance; a free one by default.")
@stage_options
@click.pass_obj
def command(
    session: Session,
    /,
    name: str,
    exclusive: bool,
    port: int | None,
    yes: bool,
    dry_run: bool,
    **targets: Any,
) -> None:
    dump = take_dump(session, targets)
    declared = _declared(session, name, _target(targets, exclusive) | dump, port)

    def add(draft: Draft) -> None:
        if name not in (session.file.raw.get("restores") or {}):
            draft.set("restores", name, to=declared)

    stage, before = Stage(session, "restore", name, stream=dump.get("dump", "")), session.file.text
    try:
        stage.run(add, yes=yes, dry_run=dry_run)
    except Problem:
        withdraw(session, name, before)
        raise
    report(session, stage)


def _target(targets: dict[str, Any], exclusive: bool) -> dict[str, Any]:
    """What stands under ``from:``; empty where the command names no target."""
    named = {"name": targets.pop("point"), **targets}
    target = {kind: named[kind] for kind in _TARGETS if named.get(kind)}
    if exclusive:
        target["inclusive"] = False
    target |= {option.replace("_", "-"): True for option in _REFINEMENTS if targets.get(option)}
    return target


def _declared(session: Session, name: str, target: dict[str, Any], port: int | None) -> dict[str, Any]:
    """The restore for the config. One that stands there already goes on, if it says the same."""
    existing = (session.file.raw.get("restores") or {}).get(name)
    if existing is None and not target:
        raise Misuse(
            "no-target",
            f"Restore {name} to what?",
            "Give one of --time, --latest, --snapshot, --lsn, --xid, --name, --replica, --dump; "
            "`reforge sources` lists them.",
        )
    if existing and not _same(existing, target, port):
        stands = ", ".join(f"{key} {value}" for key, value in existing["from"].items())
        stands += f" on port {existing['port']}" if existing.get("port") else ""
        raise Misuse(
            "another-restore",
            f"{name} is already declared from {stands}; a restore is never changed in place.",
            "Take another name, or tear it down first: " + session.command("teardown", name),
        )
    return {"from": target} | ({"port": port} if port else {})


def _same(existing: dict[str, Any], target: dict[str, Any], port: int | None) -> bool:
    """Whether the command means the restore that stands there; what it does not say may be anything."""
    return (not target or _normal(existing.get("from") or {}) == _normal(target)) and (
        port is None or existing.get("port") == port
    )


def _normal(target: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from stacks.restores import From

    try:
        return From.model_validate(target)
    except ValidationError:
        return target
