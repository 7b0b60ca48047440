"""AWS on loopback: moto with the mends of ``mended.py``, what it was asked, and faults on demand."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from tests.support.ground import Server, free_port

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "tester", "AWS_REGION": REGION}
TESTS_OWN = "testsown"
"""The key of what a test itself does to the cloud."""
READING = ("Describe", "List", "Get", "BatchGet", "Lookup", "Assume", "Simulate")
"""What the name of a call begins with that changes nothing."""


@dataclass(frozen=True)
class Call:
    """A request as AWS would have received it."""

    action: str
    parameters: dict[str, str]
    key: str = ""
    """The access key that it was signed with."""

    @property
    def changes(self) -> bool:
        return not self.action.startswith(READING)

    def names(self, what: str) -> set[str]:
        """The parameters that have ``what`` for their value, or in it as part of an ARN."""
        return {
            name
            for name, value in self.parameters.items()
            if value == what or (value.startswith("arn:") and value.endswith((f":{what}", f"/{what}")))
        }


class Cloud(Server):
    """A server of its own; ``recorded`` are the calls up to now, in their order."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port, self.record = free_port(), directory / "calls.jsonl"
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = Path(__file__).with_name("mended.py")
        self._launch([sys.executable, str(program), str(self.port), str(self.record)], self._answers, 60)

    def bind(self, instance: str, address: str, keeper: str) -> None:
        """Have a real server behind an instance, at its port; ``keeper``: how its superuser reaches it."""
        (self.directory / "bound.json").write_text(
            json.dumps({instance: {"address": address, "keeper": keeper}})
        )

    def client(self, service: str) -> Any:
        """A boto3 client of the test's own."""
        keys = {"aws_access_key_id": TESTS_OWN, "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    @property
    def recorded(self) -> list[Call]:
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [Call(**json.loads(line)) for line in lines]

    def forget(self) -> None:
        """Begin the record anew: what a test prepared is not what it tests."""
        self.record.unlink(missing_ok=True)

    def fails(self, action: str, code: str, times: int = 1, status: int = 400) -> None:
        """Let the next ``times`` calls of an action fail with an error code of AWS."""
        wanted = {"action": action, "code": code, "times": times, "status": status}
        request = urllib.request.Request(f"{self.url}/tests/faults", json.dumps(wanted).encode())  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - loopback, http

    def _answers(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def touched(calls: list[Call], original: str) -> list[Call]:
    """The calls of ours that change something and name the original as anything but where to read from."""
    read_from = {"SourceDBInstanceIdentifier", "SourceDBInstanceArn"}
    ours = [call for call in calls if call.key != TESTS_OWN]
    return [call for call in ours if call.changes and call.names(original) - read_from]


@contextmanager
def cloud(directory: Path) -> Iterator[Cloud]:
    """A running one; this process and its children find it by their environment."""
    here = Cloud(directory)
    without = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    found = without | KEYS | {"AWS_ENDPOINT_URL": here.url, "AWS_EC2_METADATA_DISABLED": "true"}
    with mock.patch.dict(os.environ, found, clear=True), here:
        yield here
