"""What `init` saw of a cluster that it did not know, shown: found, not seen, what to add by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.render import Screen
    from stacks.providers.local.discovery.report import Discovery

_NEEDED = {
    "backups": "--backups FOLDER_OR_URL",
    "archive": "--archive FOLDER_OR_URL",
    "directory": "--directory FOLDER: a new one, for restored instances, with room for the database",
}


def look(screen: Screen, url: str, consoles: Sequence[str]) -> Discovery:
    """Look around the server of ``url`` on this machine, ask ``consoles`` of pgbouncers, and show it."""
    from stacks.providers.local.discovery.finders import look_around

    seen = look_around(url, consoles=consoles)
    if seen.found:
        screen.heading("Found:")
        screen.table(["", "where", "by"], [[one.what, one.value, one.evidence] for one in seen.found])
    if seen.unseen:
        screen.heading("Not seen:")
        screen.table(["", "why"], [[one.what, one.why] for one in seen.unseen])
    proposed = [one for one in seen.found if not one.fills]  # the others are taken without being asked for
    by_hand = [*((one.what, one.add) for one in proposed), *((one.what, one.add) for one in seen.unseen)]
    if adding := [list(pair) for pair in dict.fromkeys(by_hand) if pair[1]]:
        screen.heading("To add by hand, where it is meant:")
        screen.table(["", "how"], adding)
    return seen


def tell_missing(screen: Screen, seen: Discovery, given: Collection[str]) -> None:
    """End a look that writes nothing: what a whole ``init`` would still need."""
    from stacks.providers.local.settings import PLACES

    fills = seen.fills()
    by_tool = {"backups", "archive"} if fills.keys() & set(PLACES) else set()
    known = {*given, *fills, *by_tool}
    missing = [how for name, how in _NEEDED.items() if name not in known]
    if missing:
        screen.heading("Still needed:")
        screen.say("\n".join(f"  {how}" for how in missing))
    screen.say("Dry run: nothing was written.")
    screen.document(
        {
            "stage": "init",
            "state": "dry-run",
            "discovery": {**seen.document(), "fills": fills},
            "needs": missing,
        }
    )
