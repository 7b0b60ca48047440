"""Declares a restored DB instance, and who reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pulumi
from pulumi_aws import ec2, rds, vpc

from stacks.endpoints import Target
from stacks.loading import Loading
from stacks.model import Config
from stacks.providers.aws_rds import gates, replica, shape
from stacks.providers.aws_rds.api import Rds, Record
from stacks.providers.aws_rds.settings import Restore, Source
from stacks.urls import moved
from stacks.values import clear

MADE_FROM = (
    *("snapshot_identifier", "restore_to_point_in_time"),
    *("storage_encrypted", "kms_key_id", "db_subnet_group_name", "network_type"),
)
"""What is never looked at again: a changed snapshot, a restore block that is taken away or a key that reads
differently would REPLACE the instance."""
EMPTY = {
    "engine": "Engine",
    "engine_version": "EngineVersion",
    "allocated_storage": "AllocatedStorage",
    "username": "MasterUsername",
}
"""What an instance that is made empty takes from the original besides, once and for all."""
FOLLOWED = (
    *("instance_class", "multi_az", "port", "tags", "license_model", "publicly_accessible"),
    *("storage_type", "iops", "storage_throughput", "max_allocated_storage", "dedicated_log_volume"),
    *("parameter_group_name", "option_group_name", "iam_database_authentication_enabled"),
    *("ca_cert_identifier", "enabled_cloudwatch_logs_exports", "monitoring_interval", "monitoring_role_arn"),
    *("performance_insights_enabled", "performance_insights_kms_key_id"),
    *("performance_insights_retention_period", "database_insights_mode"),
    *("backup_retention_period", "backup_window", "maintenance_window"),
    *("auto_minor_version_upgrade", "copy_tags_to_snapshot"),
)
"""What is copied from the original until the restore serves, and from then on left alone.

The provider does not send all of it with a restore (the CA never), so the next ``up`` mends the rest.
"""
GIVEN = ("vpc_security_group_ids", "master_user_secret_kms_key_id")
"""What the acceptance gives it of the original: left alone as well, once it serves and has it."""
_TIMES = pulumi.CustomTimeouts(create="6h", update="3h", delete="2h")
"""The provider waits itself; its own limit of 40 minutes is too short for a large snapshot."""


@dataclass(frozen=True)
class Origin:
    """What an instance is made from, as its arguments, and what must be done before."""

    inputs: dict[str, Any]
    after: tuple[pulumi.Resource, ...] = ()
    opened: bool = False
    """Whether it serves, and the acceptance has reached it."""


def declare(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> Target:
    """The instance of ``restores.NAME``, and how it is reached."""
    api = Rds(config.source.region)
    if config.restores[name].from_.replica:
        return replica.declare(name, config, source_url, api.region)
    like = api.instance(config.source.like or config.source.instance)
    if config.restores[name].from_.dump:
        return _loaded(name, config, source_url, like, api)
    made = _made_from(name, config, like, api) | _master_password(config, like)
    return _reached(name, config, source_url, like, Origin(made, opened=_opened(name, config, api)))


def _loaded(
    name: str, config: Config[Source, Restore], source_url: pulumi.Output[str], like: Record, api: Rds
) -> Target:
    """An instance that is made empty, and a dump that is loaded into it."""
    restore = config.restores[name]
    if not restore.release and not gates.is_made_empty(name, api):
        gates.require(name, restore, config.source, like, api)
    loading = Loading(name, config, str(like["MasterUsername"]))
    prepared = loading.prepare("rds", str(like["EngineVersion"]), int(like["AllocatedStorage"]))
    # Once it is accepted nothing is loaded any more, and RDS keeps the master's password as in any restore.
    mastered = _master_password(config, like) if restore.accepted else {"password": prepared.password}
    made = {argument: like[theirs] for argument, theirs in EMPTY.items()} | mastered
    origin = Origin(made, prepared.before, _opened(name, config, api))
    return prepared.load(_reached(name, config, source_url, like, origin))


def _opened(name: str, config: Config[Source, Restore], api: Rds) -> bool:
    """Whether it serves, and an earlier up has opened it: who reaches it is its own affair from then on."""
    return config.serving == name and gates.is_open(api.instance_if_any(name))


def _reached(
    name: str, config: Config[Source, Restore], source_url: pulumi.Output[str], like: Record, origin: Origin
) -> Target:
    """The instance, who gets in to it, and how the application does."""
    group, rules = _operators(name, config, like, origin.after)
    instance = _instance(name, config, like, origin, group)
    url = pulumi.Output.all(source_url, instance.address, instance.port).apply(lambda known: moved(*known))
    return Target(name, pulumi.Output.secret(url), instance.address, instance.port, (instance, *rules))


def _instance(
    name: str, config: Config[Source, Restore], like: Record, origin: Origin, group: ec2.SecurityGroup
) -> rds.Instance:
    restore = config.restores[name]
    copied = shape.shape(like) | _own(restore) | origin.inputs
    return rds.Instance(
        name,
        identifier=name,
        region=config.source.region,
        vpc_security_group_ids=[group.id, *(shape.security_groups(like) if restore.accepted else [])],
        tags=shape.tags(like) | {"Name": name, gates.MARK: name},
        apply_immediately=True,
        deletion_protection=not restore.release,
        skip_final_snapshot=restore.release and restore.kept_as is None,
        final_snapshot_identifier=restore.kept_as or f"{name}-final",
        **copied,
        opts=pulumi.ResourceOptions(
            depends_on=list(origin.after),
            protect=not restore.release,
            ignore_changes=_left_alone(restore, serving=config.serving == name, opened=origin.opened),
            custom_timeouts=_TIMES,
        ),
    )


def _own(restore: Restore) -> dict[str, str]:
    """What the config says of the restore itself, in place of the original's."""
    said = {"instance_class": restore.size, "parameter_group_name": restore.parameter_group}
    return {name: value for name, value in said.items() if value}


def _left_alone(restore: Restore, *, serving: bool, opened: bool) -> list[str]:
    """What is not compared any more; what is the restore's own may change.

    What the acceptance gives only once it is open: one up may bring that and the cut-over together.
    """
    followed = [one for one in FOLLOWED if one not in _own(restore)]
    made = [*MADE_FROM, *(EMPTY if restore.from_.dump else ())]
    return [*made, *(followed if serving else []), *(GIVEN if opened else ())]


def _made_from(name: str, config: Config[Source, Restore], like: Record, api: Rds) -> dict[str, Any]:
    """What it is restored from; once it is there, the engine keeps to what it was made from."""
    restore, source, snapshot = config.restores[name], config.source, None
    # What is being removed may be half-made: that is what one removes it for.
    if not restore.release and not gates.is_made(name, restore, like, api, master=_as_master(config, like)):
        snapshot = gates.require(name, restore, source, like, api)
    if restore.from_.snapshot:
        return {"snapshot_identifier": restore.from_.snapshot, **_sealed(snapshot)}
    time = restore.from_.time
    until: dict[str, Any] = {"restore_time": time} if time else {"use_latest_restorable_time": True}
    point = rds.InstanceRestoreToPointInTimeArgs(source_db_instance_identifier=source.instance, **until)
    return {"restore_to_point_in_time": point}


def _sealed(snapshot: Record | None) -> dict[str, Any]:
    """An encrypted snapshot keeps its own key; the original's would replace the instance at the next up."""
    if snapshot is None:
        return {}
    return {"storage_encrypted": snapshot["Encrypted"], "kms_key_id": snapshot.get("KmsKeyId")}


def _master_password(config: Config[Source, Restore], like: Record) -> dict[str, Any]:
    """A restore comes up with the master's old password, so it gets another with the first change.

    RDS makes and keeps it (Secrets Manager), so that it is in nobody's state. Where the application itself
    logs in as the master, it is the application's: its connection string changes in host and port alone.
    """
    if _as_master(config, like):
        password = unquote(urlsplit(clear(config.source_url)).password or "")
        return {"password": pulumi.Output.secret(password)}
    key = (like.get("MasterUserSecret") or {}).get("KmsKeyId")
    return {"manage_master_user_password": True} | ({"master_user_secret_kms_key_id": key} if key else {})


def _as_master(config: Config[Source, Restore], like: Record) -> bool:
    """Whether the application logs in as the master user."""
    user = unquote(urlsplit(clear(config.source_url)).username or "")
    return user == str(like["MasterUsername"])


def _operators(
    name: str, config: Config[Source, Restore], like: Record, after: tuple[pulumi.Resource, ...]
) -> tuple[ec2.SecurityGroup, list[vpc.SecurityGroupIngressRule]]:
    """A group of its own with a rule for each operator; nothing else reaches it until it is accepted."""
    region, port = config.source.region, shape.port(like)
    group = ec2.SecurityGroup(
        f"{name}-operators",
        name=f"reforge-{name}-operators",
        description=f"Who reaches the restore {name} before the application does",
        vpc_id=like["DBSubnetGroup"]["VpcId"],
        region=region,
        tags={"Name": f"reforge-{name}-operators", gates.MARK: name},
        opts=pulumi.ResourceOptions(depends_on=list(after), ignore_changes=["vpc_id"]),
    )
    rules = [
        vpc.SecurityGroupIngressRule(
            f"{name}-from-{network}",
            security_group_id=group.id,
            region=region,
            description="operator",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=None if ":" in network else network,
            cidr_ipv6=network if ":" in network else None,
        )
        for network in dict.fromkeys(config.operators)
    ]
    return group, rules
