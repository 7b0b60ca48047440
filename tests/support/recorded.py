"""Calls that fakes have recorded, held against the one rule: the original is looked up and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

READ_FROM = {
    "sourceDbInstanceIdentifier",  # aws.rds.Instance, restoreToPointInTime
    "sourceInstanceName",  # gcp.sql.DatabaseInstance, clone
    "instanceId",  # gcp.sql.DatabaseInstance, restoreBackupContext
    "source",  # dbrestore
}
"""Where a new instance says what it is made from."""


def named(values: Any, original: str, at: str = "") -> Iterator[str]:
    """The names under which a call's values have the original, itself or at the end of a longer identity."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name not in READ_FROM:
                yield from named(value, original, name)
    elif isinstance(values, list):
        for value in values:
            yield from named(value, original, at)
    elif isinstance(values, str) and (
        values == original or values.endswith((f":{original}", f"/{original}"))
    ):
        yield at
