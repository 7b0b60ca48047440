"""A project that runs Reforge's own program on AWS, or any other, by the real engine and the bridge."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.aws.cloud import REGION, Cloud
from tests.support.pulumi_project import REPOSITORY, PulumiProject, Ran

BRIDGE = REPOSITORY / "tests" / "support" / "aws_bridge"
SERVICES = ("rds", "ec2", "secretsmanager", "sts", "iam", "kms")


def missing() -> str:
    """Why the bridge cannot be used on this machine; empty where it can."""
    if importlib.util.find_spec("msgpack") is None:
        return "the Python package msgpack is not installed"
    from tests.support.aws_bridge.terraform_plugin import find_binary

    try:
        find_binary()
    except FileNotFoundError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class AwsProject(PulumiProject):
    """A project ``try`` whose stack ``test`` has the bridge for its provider ``aws``."""

    cloud: Cloud | None = None

    def make(self, plugin: Path = REPOSITORY / "dbrestore") -> AwsProject:
        super().make(plugin)
        project = self.folder / "Pulumi.yaml"
        project.write_text(project.read_text() + f"    - name: aws\n      path: {BRIDGE}\n")
        return self

    def configure(self, raw: dict[str, Any] | None = None) -> None:
        """Write the stack's config: ``raw`` under ``reforge:``, and moto as the cloud."""
        assert self.cloud is not None
        places = dict.fromkeys(SERVICES, self.cloud.url)
        config: dict[str, Any] = {
            "aws:region": REGION,
            "aws:endpoints": json.dumps([places]),
            "aws:skipCredentialsValidation": "true",
            "aws:skipMetadataApiCheck": "true",
            "aws:skipRequestingAccountId": "true",
        }
        config |= {f"reforge:{name}": value for name, value in (raw or {}).items()}
        path = self.folder / "Pulumi.test.yaml"
        kept = YAML().load(path) if path.exists() else {}
        with path.open("w") as file:
            YAML().dump({**kept, "config": config}, file)

    def run(self, *arguments: str) -> Ran:
        """Run the engine to its end: the Terraform provider alone waits for minutes."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=900)
        return Ran(process.returncode, said)
