"""What the echo was asked to change, kept in the file that ``ECHO_CALLS`` names: a JSON line each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def keep(operation: str, urn: str, values: dict[str, Any]) -> None:
    """Write a call down."""
    call = {"operation": operation, "type": type_of(urn), "name": name_of(urn), "values": values}
    if file := os.environ.get("ECHO_CALLS"):
        with Path(file).open("a") as out:
            out.write(json.dumps(call) + "\n")


def type_of(urn: str) -> str:
    """A resource's type."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """A resource's name."""
    return urn.rsplit("::", 1)[-1]
