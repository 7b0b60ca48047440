"""The policy in docs/clouds/endpoints.md allows the calls that a whole incident makes, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.client
import pytest

from dbrestore.aws.events import EventSources
from dbrestore.aws.parameter import Parameter, ParameterInputs
from dbrestore.aws.record import Record
from dbrestore.aws.secret import Secret, SecretInputs
from dbrestore.aws.service import Service
from tests.functional.clouds import test_aws_parameter, test_aws_record, test_aws_secret, test_aws_writers
from tests.functional.clouds.calls import HERE
from tests.support.aws.cloud import Cloud

pytestmark = pytest.mark.clouds
DOCUMENT = Path(__file__).parents[3] / "docs/clouds/endpoints.md"


def allowed() -> set[str]:
    found = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    policy = json.loads(found[1])
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def incident(handler: Any, *wishes: Any) -> None:
    """Create it with the first wish, then bring it to each other one; look and let go."""
    identity, state = handler.create(HERE, wishes[0])
    for wish in wishes[1:]:
        state = handler.update(HERE, identity, state, wish)
    handler.read(HERE, identity, state)
    handler.delete(HERE, identity, state)


def test_the_policy_is_what_an_incident_needs(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    test_aws_secret.Vault(aws, test_aws_secret.OLD)
    zone = test_aws_record.HostedZone(aws)
    zone.put("old.example", 20)
    store = aws.client("ssm")
    name = test_aws_parameter.NAME
    store.put_parameter(Name=name, Value="old", Type="SecureString", KeyId="alias/app")
    test_aws_writers.Fargate(aws)
    test_aws_writers.Function(aws)
    made: set[str] = set()
    original = botocore.client.BaseClient._make_api_call

    def recorded(client: Any, call: str, asked: dict[str, Any]) -> Any:
        made.add(f"{client.meta.service_model.signing_name}:{call}")
        return original(client, call, asked)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    secret = test_aws_secret.NAME
    incident(Secret(), SecretInputs(secret=secret), SecretInputs(secret=secret, value="new"))
    incident(Parameter(), ParameterInputs(name=name), ParameterInputs(name=name, value="new"))
    incident(Record(), test_aws_record.want(zone), test_aws_record.want(zone, "new.example"))
    wishes = ("all", "none", "canary", "all")
    incident(Service(), *map(test_aws_writers.tasks, wishes))
    incident(EventSources(), *map(test_aws_writers.sources, wishes))
    assert made == allowed()
