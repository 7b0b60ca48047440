"""A restore in a real AWS account, from ``init`` to the end of its teardown: ``make test-aws-account``.

It makes an RDS instance of the original's size for about half an hour, which costs money. The original, which
REFORGE_TEST_AWS_INSTANCE names, is only looked up. Nothing connects to a database.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rehearsal.driver import Driver

NAME = "reforge-account-test"
STACK = ("--stack", "account")
ORIGINAL = os.environ.get("REFORGE_TEST_AWS_INSTANCE", "")


def why_not() -> str:
    """Why this cannot be run; empty where it can."""
    if not ORIGINAL:
        return "REFORGE_TEST_AWS_INSTANCE names no RDS instance to restore from"
    import boto3

    if boto3.Session().get_credentials() is None:
        return "the environment has no AWS credentials"
    return ""


pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=f"no AWS account: {why_not()}")]


def original() -> dict[str, Any]:
    """The original as RDS describes it, without what goes on by itself."""
    import boto3

    found = boto3.client("rds").describe_db_instances(DBInstanceIdentifier=ORIGINAL)["DBInstances"][0]
    return {name: value for name, value in found.items() if name != "LatestRestorableTime"}


def test_a_restore_is_made_and_torn_down_and_the_original_stays_as_it_is(tmp_path: Path) -> None:
    before = original()
    address = before["Endpoint"]
    url = f"postgresql://reforge:unused@{address['Address']}:{address['Port']}/postgres"
    reforge = Driver(tmp_path, print)
    init = ("init", "--provider", "aws-rds", "--instance", ORIGINAL, "--operator", "192.0.2.1/32", "--yes")
    reforge.run(*STACK, *init, secrets={"REFORGE_SOURCE_URL": url})
    assert reforge.run(*STACK, "sources").document["windows"]
    try:
        reforge.run(*STACK, "restore", NAME, "--latest", "--yes")
    finally:
        reforge.run(*STACK, "teardown", NAME, "--final-snapshot", "none", "--yes")
    assert original() == before
