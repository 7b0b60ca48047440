"""The canary of a cut-over as the config has it, quickly read and not checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.stackfile import Draft

SPLIT_WRITES = "split-writes"
"""By this name it is accepted that the restore and what serves part by writes."""
_LONGEST_APPLICATION = 63
"""Bytes of an application_name that PostgreSQL keeps."""


def canary(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the config says of a canary; empty where it says nothing that can be read."""
    found = raw.get("canary")
    return found if isinstance(found, Mapping) else {}


def tried(raw: Mapping[str, Any]) -> str:
    """The restore that a canary tries; empty where there is no canary."""
    return str(canary(raw).get("restore") or "")


def in_words(raw: Mapping[str, Any]) -> str:
    """The canary in a line; empty where there is none."""
    if not tried(raw):
        return ""
    found = canary(raw)
    place, pods = found.get("deployment") or {}, found.get("pods") or 1
    what = f"{pods} pod{'s' if pods != 1 else ''} like {place.get('namespace')}/{place.get('name')}"
    taking = "taking requests" if found.get("traffic") else "without requests"
    return f"{what} on {tried(raw)}, {taking}, {'writing' if found.get('writes') else 'read-only'}"


def copy_name(raw: Mapping[str, Any]) -> str:
    """By what name the canary's sessions are known to a server."""
    from stacks.canary.settings import SUFFIX

    place = canary(raw).get("deployment") or {}
    return f"{place.get('name')}{SUFFIX}"[:_LONGEST_APPLICATION]


def drop(draft: Draft) -> None:
    """Take the canary out of the config; of which deployment it is stays."""
    from stacks.canary.settings import OF_AN_INCIDENT

    for field in OF_AN_INCIDENT:
        draft.remove("canary", field)
