"""What is imported for what: a cloud's SDK only where the config names that cloud."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CLOUDS = {
    "boto3",
    "botocore",
    "pulumi_aws",
    "googleapiclient",
    "google.auth",
    "pulumi_gcp",
    "kubernetes",
    "pulumi_kubernetes",
}
SLOW = CLOUDS | {"pulumi", "psycopg", "grpc", "pydantic"}
TOLD = f"import json, sys; print(json.dumps(sorted({sorted(SLOW)!r} & sys.modules.keys())))"
RDS = "from tests.unit.stacks.rds import StandIn, rds_config"
PREVIEWED = f"""
{RDS}
from stacks.providers.aws_rds import restore
restore.Rds = lambda region: StandIn()
from tests.stacks.deployment import deploy
deploy(rds_config(), preview=True)
"""
SAID = """
import sys
sys.argv = ["reforge", *{words!r}]
from cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""
STACK = """config:
  reforge:source: {provider: aws-rds, instance: prod, database: starforge}
  reforge:source-url: {secure: v1:Zm9v:YmFy}
  reforge:operators: [203.0.113.7/32]
  reforge:restores: {r: {from: {latest: true}}}
"""


def imported(program: str, folder: Path) -> set[str]:
    """The slow packages that a program of its own has imported in the end."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}\n{TOLD}"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "HOME": str(folder)},
        capture_output=True,
        text=True,
    )
    assert not ran.returncode, ran.stderr
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a stack in RDS."""
    (tmp_path / "Pulumi.yaml").write_text("name: reforge\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    return tmp_path


@pytest.mark.clouds
def test_a_preview_of_a_stack_in_rds_imports_no_other_clouds_sdk(folder: Path) -> None:
    found = imported(PREVIEWED, folder)
    assert {"pulumi_aws"} <= found & CLOUDS <= {"pulumi_aws", "boto3", "botocore"}


@pytest.mark.clouds
def test_a_config_of_a_cloud_is_checked_without_any_sdk(folder: Path) -> None:
    found = imported(
        f"{RDS}\nfrom stacks.model import parse, schema, data_types\nparse(rds_config())\nschema()", folder
    )
    assert found & CLOUDS == set()


@pytest.mark.parametrize("words", [["--help"], ["status"], ["--json", "status"], ["teardown", "--help"]])
def test_what_a_person_types_first_waits_for_nothing_slow(folder: Path, words: list[str]) -> None:
    assert imported(SAID.format(words=words), folder) == set()
