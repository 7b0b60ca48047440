"""The policies that docs/clouds/aws-rds.md prints, as they are."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.pulumi_project import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "clouds" / "aws-rds.md"


def statements() -> list[dict[str, Any]]:
    """Every statement, with its actions and resources as lists."""
    found = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)]
    return [
        {**one, "Action": _listed(one["Action"]), "Resource": _listed(one["Resource"])}
        for policy in found
        for one in policy["Statement"]
    ]


def allowed() -> set[str]:
    """The calls that they allow, without their service."""
    return {action.partition(":")[2] for one in statements() for action in one["Action"]}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
