"""A config that is right in everything, and what the model says of one that is not."""

from __future__ import annotations

from typing import Any

import pytest

from problem import Misuse
from stacks.model import parse

URL = "postgresql://app:hunter2@db.internal:5432/starforge"
CONSOLE = "postgresql://console:hunter2@127.0.0.1:6432/pgbouncer"
TIME = "2025-12-03T14:23:00Z"
VALIDATED = {"at": TIME, "by": "ada", "digest": "sha256:" + "0f" * 32}
WAIVED = {"at": TIME, "by": "ada", "reason": "the source is lost anyway"}
SOURCE = {
    "provider": "local",
    "instance": "starforge",
    "database": "starforge",
    "data-directory": "/srv/pg/main",
    "archive": "/srv/archive/wal",
    "backups": "/srv/archive/base",
    "directory": "/srv/restores",
}


def good(**changes: Any) -> dict[str, Any]:
    """A right config; ``changes`` by names with underscores, None takes a value away."""
    config: dict[str, Any] = {
        "source": SOURCE,
        "source-url": URL,
        "operators": ["203.0.113.7/32"],
        "restores": {"before-accident": {"from": {"time": TIME}}},
        "endpoints": [
            {"env-file": {"path": "/srv/app/.env"}},
            {"pgbouncer": {"admin": CONSOLE, "database": "starforge"}},
        ],
        "writers": [
            {"supervisor": {"server": "unix:///run/supervisor.sock", "group": "etl"}},
            {"flag": {"file": "/srv/app/flags.env", "key": "ingestion"}},
        ],
    }
    config |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in config.items() if value is not None}


def restored(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A right config with one restore ``r`` from ``source``."""
    return good(restores={"r": {"from": source, **more}})


def told(raw: dict[str, Any]) -> list[str]:
    """The lines about a wrong config."""
    with pytest.raises(Misuse) as caught:
        parse(raw)
    assert caught.value.name == "config-wrong"
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


def the_line(raw: dict[str, Any]) -> str:
    """The one line about a config that is wrong in one thing."""
    lines = told(raw)
    assert len(lines) == 1, lines
    return lines[0]
