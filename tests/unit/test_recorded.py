"""The rule that all recorded calls are held against finds what it must find."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.recorded import named


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"identifier": "prod"}, ["identifier"]),
        ({"settings": [{"arn": "arn:aws:rds:eu-central-1:1:db:prod"}]}, ["arn"]),
        ({"name": "projects/starforge/instances/prod"}, ["name"]),
        ({"identifier": "prod-restored", "tags": {"of": "preprod"}}, []),
        ({"clone": {"sourceInstanceName": "prod"}}, []),
        ({"restoreToPointInTime": {"sourceDbInstanceIdentifier": "prod"}, "identifier": "r"}, []),
    ],
)
def test_the_original_is_found_wherever_a_call_names_it(values: dict[str, Any], found: list[str]) -> None:
    assert list(named(values, "prod")) == found
