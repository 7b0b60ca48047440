"""List what can be restored: backups, windows, gaps, standbys.

In a cloud: snapshots, the window of time, read replicas, clones, and what these credentials may not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.clouds import tell_cloud

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    from stacks.kinds import load
    from stacks.model import PROVIDERS

    source = session.file.config().source
    catalog = load(PROVIDERS, source.provider, "catalog").what_can_be_restored(source)
    document = catalog.document() | {"replicas": _replicas(session, source)}
    _tell(session, document)
    proposed = tell_cloud(session, document)
    if "dump" in load(PROVIDERS, source.provider, "settings").Restore.SUPPORTED:
        by_dump = session.command("restore NAME --dump DUMP")
        session.screen.say(f"Besides, a dump of pg_dump is loaded by its path or URL: {by_dump}")
    if document["windows"] or proposed:
        session.screen.next(session.command("restore NAME --time TIME" if document["windows"] else proposed))
    _tell_replicas(session, document["replicas"])
    session.screen.document(document)


def _replicas(session: Session, source: Any) -> list[dict[str, Any]]:
    """The standbys of the config; nothing is asked where there are none."""
    from stacks.kinds import load
    from stacks.model import PROVIDERS

    if not source.standbys:
        return []
    urls = {name: session.engine.secret(f"source.replicas.{name}.url", path=True) for name in source.standbys}
    standbys = load(PROVIDERS, source.provider, "standbys")
    return list(standbys.what_can_be_promoted(session.engine.secret("source-url"), urls))


def _tell_replicas(session: Session, found: list[dict[str, Any]]) -> None:
    if not found:
        return
    screen = session.screen
    screen.heading("Standbys:")
    titles = ["name", "at", "behind", "", "replayed", "last commit", "slots", "standbys", "problem"]
    screen.table(titles, [_replica(one) for one in found])
    for against in dict.fromkeys(one["against"] for one in found if "against" in one):
        screen.say(f"Compared with {against}.")
    if fit := [one["name"] for one in found if not one["problem"]]:
        screen.next(session.command(f"restore NAME --replica {fit[0]}"))


def _replica(one: dict[str, Any]) -> list[str]:
    if "replayed" not in one:
        return [one["name"], one["place"], "", "", "", "", "", "", one["problem"]]
    behind, seconds = one["behindBytes"], one["behindSeconds"]
    return [
        one["name"],
        one["place"],
        f"{behind:,} bytes" if behind is not None else "",
        f"{seconds:.0f} s" if seconds is not None else "",
        _text(one["replayed"]),
        _text(one["replayedAt"]),
        ", ".join(one["slots"]),
        ", ".join(one["standbys"]),
        one["problem"] or ("" if one["receiving"] else "not streaming"),
    ]


def _tell(session: Session, found: dict[str, Any]) -> None:
    screen = session.screen
    if not (found["backups"] or found["windows"]):
        screen.warn("There is no base backup.")
        return
    _tell_backups(session, found["backups"])
    screen.heading("Any time within these windows:")
    spans = [
        [_text(one["start"]), one["end"], one["backup"], _text(one["timeline"])] for one in found["windows"]
    ]
    screen.table(["from", "to", "backup", "timeline"], spans)
    for window in found["windows"]:
        for gap in window["gaps"]:
            screen.warn(
                f"Gap after {window['end']}: " + ", ".join(f"{key} {value}" for key, value in gap.items())
            )
    for name in found["stillInSource"]:
        screen.warn(f"{name} is not archived; it still lies in the source's pg_wal.")


def _tell_backups(session: Session, found: list[dict[str, Any]]) -> None:
    rows = [
        [
            one["name"],
            _size(one["size"]),
            _text(one["started"]),
            _text(one["version"]),
            _form(one),
            "; ".join(one["problems"]),
        ]
        for one in found
    ]
    session.screen.heading("Backups:")
    session.screen.table(["name", "size", "started", "version", "form", "problems"], rows)


def _form(backup: dict[str, Any]) -> str:
    """The form in words, with what else is needed: "tar, gz; 2 tablespaces; builds on monday"."""
    count = len(backup["tablespaces"])
    words = [backup["form"] or ""]
    words += [f"{count} tablespace{'s' if count > 1 else ''}"] if count else []
    words += [f"builds on {backup['buildsOn'][-1]}"] if backup["buildsOn"] else []
    return "; ".join(words)


def _size(count: int | None) -> str:
    return "" if count is None else f"{count / 2**20:,.0f} MiB"


def _text(value: object) -> str:
    return "" if value is None else str(value)
