"""Standbys that follow the server: each could be promoted instead of a restore."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """By pg_stat_replication; addresses are for pg_monitor's eyes."""
    if scene.clues.in_recovery:
        yield Unseen(
            "server", "it is a standby itself", "the URL of its primary, unless that is what was damaged"
        )
    for standby in scene.clues.standbys:
        name = standby["application_name"] or "unnamed"
        if standby["state"] is None:
            why = f"{name} follows, and {scene.clues.user} may not see from where"
            yield Unseen("standby", why, "a URL of a role in pg_monitor")
        elif standby["state"] == "streaming":
            where = standby["host"] or "this machine, by socket"
            yield Found(
                "standby", f"{name} at {where}", f"pg_stat_replication: {standby['sync_state']}", _yaml(name)
            )


def _yaml(name: str) -> str:
    """The entry of the config; its URL is a secret."""
    return f"source: {{replicas: {{{name.replace('_', '-').lower()}: {{url: ...}}}}}} to promote it"
