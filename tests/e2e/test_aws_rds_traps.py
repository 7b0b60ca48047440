"""What the AWS provider does to a restored database if one lets it: each seen to bite, then held off.

The guards are those of the program itself, imported into the ones that are tried here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws.cloud import Cloud, cloud
from tests.support.aws.original import described, groups, prepare
from tests.support.aws.project import AwsProject, missing
from tests.support.ground import scratch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.clouds,
    pytest.mark.skipif(bool(missing()), reason=f"no bridge to AWS: {missing()}"),
]
GUARDED = "ignore_changes=list(MADE_FROM)"
SEALED, MONDAY, TUESDAY = (
    "storage_encrypted=True",
    'snapshot_identifier="monday"',
    'snapshot_identifier="tuesday"',
)
LATEST = "restore_to_point_in_time=point(use_latest_restorable_time=True, **prod)"
EARLIER = 'restore_to_point_in_time=point(restore_time="2026-01-02T03:04:05Z", **prod)'
_HEAD = """
from pulumi_aws import rds
from stacks.providers.aws_rds.restore import MADE_FROM
point, prod = rds.InstanceRestoreToPointInTimeArgs, {"source_db_instance_identifier": "prod"}
bare = {"instance_class": "db.t3.large", "skip_final_snapshot": True, "apply_immediately": True}
"""


def program(snapshot: str, point: str, sealed: str = SEALED, guard: str = "") -> str:
    """Two restored instances, ``copy`` and ``moment``, declared by these arguments."""
    options = f"**bare, opts=pulumi.ResourceOptions({guard})"
    lines = [
        f'rds.Instance("{name}", identifier="{name}", {", ".join(filter(None, [made, sealed, options]))})'
        for name, made in (("copy", snapshot), ("moment", point))
    ]
    return _HEAD + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("aws")) as here:
        prepare(here)
        here.forget()
        yield here


@pytest.fixture(scope="module")
def project(aws: Cloud) -> Iterator[AwsProject]:
    """Both instances are there, restored as the provider does it by itself."""
    with scratch() as folder:
        made = AwsProject(folder / "try", cloud=aws).make()
        made.configure()
        made.program(program(MONDAY, LATEST))
        made.run("up", "--yes", "--skip-preview").ok()
        yield made


def preview(project: AwsProject, text: str) -> str:
    project.program(text)
    return project.run("preview", "--diff", "--show-replacement-steps").ok()


@pytest.mark.parametrize(
    ("snapshot", "point", "sealed"),
    [(TUESDAY, LATEST, SEALED), (MONDAY, "", SEALED), (MONDAY, LATEST, "")],
    ids=["another-snapshot", "restore-block-taken-away", "encryption-not-repeated"],
)
def test_what_would_replace_a_restored_database(
    project: AwsProject, snapshot: str, point: str, sealed: str
) -> None:
    assert "replace" in preview(project, program(snapshot, point, sealed))
    said = preview(project, program(snapshot, point, sealed, GUARDED))
    assert "replace" not in said
    assert "3 unchanged" in said


def test_a_changed_restore_block_promises_an_update_that_does_nothing(
    aws: Cloud, project: AwsProject
) -> None:
    project.program(program(MONDAY, EARLIER))
    said = project.run("up", "--yes", "--diff").ok()
    assert "2026-01-02T03:04:05Z" in said
    assert "updated" in said
    assert "replace" not in said
    made = [call for call in aws.recorded if call.action.startswith("Restore")]
    assert len(made) == 2, "those of the beginning"
    assert "3 unchanged" in preview(project, program(MONDAY, LATEST, guard=GUARDED))


@pytest.mark.parametrize("name", ["copy", "moment"])
def test_a_restore_that_is_given_nothing_has_the_defaults_of_rds(
    aws: Cloud, project: AwsProject, name: str
) -> None:
    original, restored = described(aws, "prod"), described(aws, name)
    assert original["MultiAZ"]
    assert not restored["MultiAZ"]
    assert groups(restored) != groups(original)
    assert [one["DBParameterGroupName"] for one in restored["DBParameterGroups"]] == ["default.postgres15"]


def test_nobody_changes_the_old_password_unless_asked_to(aws: Cloud, project: AwsProject) -> None:
    changed = [set(call.parameters) for call in aws.recorded if call.action == "ModifyDBInstance"]
    assert not [names for names in changed if {"MasterUserPassword", "ManageMasterUserPassword"} & names]


def test_a_delete_reads_its_protections_from_the_state(aws: Cloud, project: AwsProject) -> None:
    kept = program(MONDAY, EARLIER).replace('"skip_final_snapshot": True', '"skip_final_snapshot": False')
    assert "False" in kept
    project.program(kept)
    project.run("up", "--yes", "--skip-preview").ok()
    project.program("")
    said = project.run("up", "--yes", "--skip-preview").failed()
    assert "final_snapshot_identifier is required" in said
    assert described(aws, "copy")
