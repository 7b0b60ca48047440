"""What the echo knows of each package: what a cloud would have learnt, what it would replace for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VERSIONS = {"aws": "7.51.1", "gcp": "10.2.0", "kubernetes": "4.34.2"}

REPLACES: dict[str, tuple[str, ...]] = {
    # pulumi-aws 7, aws.rds.Instance: "changing this forces a new resource"
    "aws:rds/instance:Instance": (
        *("snapshotIdentifier", "restoreToPointInTime", "restoreToPointInTimes", "kmsKeyId"),
        *("storageEncrypted", "engine", "username", "characterSetName", "timezone", "availabilityZone"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": ("name", "namePrefix", "description", "vpcId"),
    # pulumi-gcp 10, gcp.sql.DatabaseInstance
    "gcp:sql/databaseInstance:DatabaseInstance": ("name", "project", "region", "encryptionKeyName"),
}
"""Inputs by type whose change makes the real provider replace."""

INVOKES: dict[str, dict[str, Any]] = {}
"""Answers to look-ups by token. Reforge's rooms look up by the clouds' own APIs, so that there are none."""


def learnt(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs that are no inputs; ``id`` is the resource's identity."""
    return _LEARNT.get(kind, _nothing)(name, inputs)


def _nothing(_name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    return {}


def _rds(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    identifier, port = inputs.get("identifier", name), inputs.get("port", 5432)
    region = inputs.get("region", "us-east-1")
    address = f"{identifier}.echo.{region}.rds.amazonaws.com"
    arn = f"arn:aws:rds:{region}:123456789012:db:{identifier}"
    return {
        "id": identifier,
        "arn": arn,
        "address": address,
        "port": port,
        "endpoint": f"{address}:{int(port)}",
    }


def _group(name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"sg-of-{name}"}


def _cloud_sql(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    instance, project = inputs.get("name", name), inputs.get("project", "starforge")
    addresses = {"publicIpAddress": "203.0.113.90", "firstIpAddress": "203.0.113.90"}
    return {
        **addresses,
        "id": instance,
        "privateIpAddress": "10.9.0.90",
        "connectionName": f"{project}:{inputs.get('region', 'europe-west1')}:{instance}",
        "ipAddresses": [
            {"type": "PRIMARY", "ipAddress": "203.0.113.90"},
            {"type": "PRIVATE", "ipAddress": "10.9.0.90"},
        ],
    }


def _supabase(_name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    ref = "newprojectnewproject"
    pooled = {"host": "aws-1-eu-central-1.pooler.supabase.com", "port": 5432, "suffix": f".{ref}"}
    direct = {"host": f"db.{ref}.supabase.co", "port": 5432, "suffix": ""}
    return {"session": pooled, "transaction": pooled | {"port": 6543}, "direct": direct}


def _loaded(_name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    return {"status": "loaded"}


def _drawn(_name: str, _inputs: dict[str, Any]) -> dict[str, Any]:
    return {"password": "drawn"}


_LEARNT: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
    "aws:rds/instance:Instance": _rds,
    "aws:ec2/securityGroup:SecurityGroup": _group,
    "dbrestore:loading:Load": _loaded,
    "dbrestore:loading:Password": _drawn,
    "dbrestore:supabase:Project": _supabase,
    "gcp:sql/databaseInstance:DatabaseInstance": _cloud_sql,
}
