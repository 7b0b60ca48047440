"""A team's stack: its state in a bucket, its secrets under a key of a cloud's, made by ``reforge init``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from rehearsal.driver import Driver
from tests.support.aws.cloud import REGION, Cloud, cloud

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
BUCKET = "starforge-reforge"


class Member(Driver):
    """Somebody of the team, who has no state of their own."""

    def _environment(self) -> dict[str, str]:
        found = super()._environment()
        return {name: value for name, value in found.items() if name != "PULUMI_BACKEND_URL"}


def original(aws: Cloud) -> str:
    """An instance in RDS; gives its connection string."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    made = aws.client("rds").create_db_instance(
        DBInstanceIdentifier="prod",
        DBInstanceClass="db.t3.large",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="correct-horse",
        BackupRetentionPeriod=7,
    )["DBInstance"]
    return f"postgresql://app:hunter2@{made['Endpoint']['Address']}:{made['Endpoint']['Port']}/starforge"


def keys(aws: Cloud) -> set[str]:
    found: list[dict[str, Any]] = aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    return {one["Key"] for one in found}


def test_a_colleague_goes_on_with_nothing_but_the_project_and_the_clouds_credentials(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    home = {"PULUMI_HOME": str(tmp_path / "home")}
    with cloud(tmp_path / "aws") as aws, mock.patch.dict(os.environ, home):
        url = original(aws)
        key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
        bucket = f"s3://{BUCKET}?endpoint={aws.url}&s3ForcePathStyle=true&region={REGION}"
        words = ["--backend", bucket, "--secrets-provider", f"awskms://{key}?region={REGION}", "--yes"]
        init = ["--stack", "prod", "init", "--provider", "aws-rds", "--operator", "203.0.113.7/32"]
        Member(folder, print).run(*init, *words, secrets={"REFORGE_SOURCE_URL": url})
        assert ".pulumi/stacks/reforge/prod.json" in keys(aws)
        config = yaml.safe_load((folder / "Pulumi.prod.yaml").read_text())
        assert config["secretsprovider"].startswith("awskms://")
        assert config["config"]["reforge:source"]["instance"] == "prod", "found by its address"

        for name in ("Pulumi.yaml", "Pulumi.prod.yaml", "__main__.py"):
            (elsewhere / name).write_text((folder / name).read_text())
        colleague = Member(elsewhere, print)
        shown = colleague.run("--stack", "prod", "env", "source", "--show").document
        assert shown["url"] == url
        previewed = colleague.run("--stack", "prod", "preview").document
        assert previewed["changes"].get("create", 0) == 0, "the state is the team's"
        assert list((elsewhere / ".reforge/state").rglob("*.json")) == []
