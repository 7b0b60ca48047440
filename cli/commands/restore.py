"""Restore to a time or a snapshot, from a dump, or by a standby.

Always beside the original, which is never touched: from a base backup to a time, an LSN, a transaction, a
restore point or all archived WAL; from a dump; or by a standby, which is promoted at the cut-over. In a
cloud: from a snapshot or to a time, by a read replica, or by adopting what was cloned there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.dumps import dump_options, take_dump
from cli.options import complete_restore, report, stage_options
from cli.originals import pair
from cli.recovery import withdraw
from cli.stage import Stage
from problem import Misuse, Problem

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft

_TARGETS = ("snapshot", "time", "lsn", "xid", "name", "latest", "replica", "dump", "adopt")
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
@click.option("--adopt", metavar="REF", help="Take what somebody has cloned in the cloud, by its name there.")
@click.option("--port", type=int, help="Port of the new instance; a free one by default.")
@click.option("--size", help="In a cloud: the new instance's size; the original's by default.")
@click.option(
    "--with",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value of the restore, as region=eu-central-1; again for more.",
)
@stage_options
@click.pass_obj
def command(
    session: Session,
    /,
    name: str,
    exclusive: bool,
    yes: bool,
    dry_run: bool,
    **targets: Any,
) -> None:
    settings = _settings(targets)
    dump = take_dump(session, targets)
    declared = _declared(session, name, _target(targets, exclusive) | dump, settings)

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


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """What stands beside ``from:``; taken out of the options."""
    named = {name: given.pop(name) for name in ("port", "size")}
    more = dict(pair(text, "=", "--with NAME=VALUE") for text in given.pop("values"))
    return {name: value for name, value in named.items() if value} | more


def _target(targets: dict[str, Any], exclusive: bool) -> dict[str, Any]:
    """What stands under ``from:``; empty where the command names no target."""
    named = {"name": targets.pop("point"), **targets}
    target = {kind: named[kind] for kind in _TARGETS if named.get(kind)}
    if exclusive:
        target["inclusive"] = False
    target |= {option.replace("_", "-"): True for option in _REFINEMENTS if targets.get(option)}
    return target


def _declared(
    session: Session, name: str, target: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    """The restore for the config. One that stands there already goes on, if it says the same."""
    existing = (session.file.raw.get("restores") or {}).get(name)
    if existing is None and not target:
        raise Misuse(
            "no-target",
            f"Restore {name} to what?",
            "Give one of --time, --latest, --snapshot, --lsn, --xid, --name, --replica, --dump, --adopt; "
            "`reforge sources` lists them.",
        )
    if existing and not _same(existing, target, settings):
        stands = ", ".join(f"{key} {value}" for key, value in existing["from"].items())
        stands += f" on port {existing['port']}" if existing.get("port") else ""
        stands += f" of size {existing['size']}" if existing.get("size") else ""
        raise Misuse(
            "another-restore",
            f"{name} is already declared from {stands}; a restore is never changed in place.",
            "Take another name, or tear it down first: " + session.command("teardown", name),
        )
    return {"from": target, **settings}


def _same(existing: dict[str, Any], target: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether the command means the restore that stands there; what it does not say may be anything."""
    said = all(existing.get(name) == value for name, value in settings.items())
    return said and (not target or _normal(existing.get("from") or {}) == _normal(target))


def _normal(target: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from stacks.restores import From

    try:
        return From.model_validate(target)
    except ValidationError:
        return target
