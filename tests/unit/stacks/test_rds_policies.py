"""The permissions of the documents let nothing of the original be changed."""

from __future__ import annotations

from tests.support.aws.cloud import READING
from tests.support.aws.policies import allowed, statements


def test_looking_changes_nothing() -> None:
    [look] = [one for one in statements() if one["Sid"] == "Look"]
    assert all(action.partition(":")[2].startswith(READING) for action in look["Action"])


def test_the_original_is_named_where_it_is_restored_from_and_nowhere_else() -> None:
    named = {one["Sid"] for one in statements() if "ORIGINAL" in str(one["Resource"])}
    assert named == {"RestoreFrom"}


def test_an_instance_is_changed_by_the_prefix_of_restores_alone() -> None:
    changing = ("rds:Modify", "rds:Delete", "rds:Reboot", "rds:Stop", "rds:Promote")
    for one in statements():
        if any(action.startswith(changing) for action in one["Action"]):
            instances = [resource for resource in one["Resource"] if ":db:" in resource]
            assert all(resource.endswith(":db:PREFIX-*") for resource in instances), one["Sid"]
            assert "*" not in one["Resource"], one["Sid"]


def test_everything_a_restore_calls_by_itself_is_in_them() -> None:
    needed = {"RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime", "ModifyDBInstance"}
    assert needed | {"DeleteDBInstance", "CreateSecurityGroup"} <= allowed()
