"""Declares a restored instance of Cloud SQL, and who reaches it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pulumi
from pulumi_gcp import sql

from stacks.endpoints import Target
from stacks.loading import Loading, Prepared
from stacks.model import Config
from stacks.providers.gcp_cloudsql import gates, replica, shape
from stacks.providers.gcp_cloudsql.api import CloudSql, Record
from stacks.providers.gcp_cloudsql.settings import Restore, Source, backup_of
from stacks.urls import address, moved
from stacks.values import clear

PORT = 5432
"""Of every instance of Cloud SQL for PostgreSQL."""
OPERATOR = "operator"
"""The name of a network of the operators', by which it is told from the application's."""
ADMIN = "postgres"
"""The user that every instance comes with; what rights it has follows from its role cloudsqlsuperuser."""
COPIED_ONCE = (
    *("clone", "restoreBackupContext", "databaseVersion", "region", "encryptionKeyName"),
    *(f"settings.{name}" for name in shape.copied_names()),
    *(f"settings.ipConfiguration.{name}" for name in shape.NETWORK),
)
"""What made it is never looked at again, and what was copied does not follow the original later.

Without this another `restore_backup_context` restores INTO the instance that serves by now, another region or
key replaces it, and a change of the original changes it.
"""
_TIMES = pulumi.CustomTimeouts(create="6h", update="3h", delete="2h")
"""The provider waits itself; its own limits are too short for a large clone."""


def declare(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> Target:
    """The instance of ``restores.NAME``, and how it is reached."""
    api = CloudSql(config.source.project)
    like = api.instance(config.source.like or config.source.instance)
    if config.restores[name].from_.replica:
        private = _private(config, like, like)
        return replica.declare(name, config, source_url, "PRIVATE" if private else "PRIMARY")
    gates.require_reachable(config.operators, like)
    empty = _empty(name, config, like)
    instance = _instance(name, config, like, api, empty)
    there = api.instance_if_any(name) or {}
    private = _private(config, like, there if there.get("ipAddresses") else like)
    host = instance.private_ip_address if private else instance.public_ip_address
    url = pulumi.Output.all(source_url, host).apply(lambda known: moved(known[0], known[1], PORT))
    port = pulumi.Output.from_input(PORT)
    target = Target(name, pulumi.Output.secret(url), host, port, (instance,))
    return empty.load(target) if empty else target


def _empty(name: str, config: Config[Source, Restore], like: Record) -> Prepared | None:
    """What an instance that is made empty for a dump waits for; None for any other."""
    if not config.restores[name].from_.dump:
        return None
    version = like["databaseVersion"].removeprefix("POSTGRES_").replace("_", ".")
    return Loading(name, config, ADMIN).prepare("cloudsql", version, shape.room(like))


def _instance(
    name: str, config: Config[Source, Restore], like: Record, api: CloudSql, empty: Prepared | None
) -> sql.DatabaseInstance:
    restore, source = config.restores[name], config.source
    there = gates.made(name, restore, api)
    backup = None if there else gates.require(name, restore, source, like, api)
    settings: Any = _settings(name, config, like, there or like)
    cron = shape.CRON in shape.flags(like)
    once = [one for one in COPIED_ONCE if not (restore.size and one == "settings.tier")]
    return sql.DatabaseInstance(
        name,
        name=name,
        project=source.project,
        region=like["region"],
        database_version=(backup or like).get("databaseVersion", like["databaseVersion"]),
        encryption_key_name=shape.key(like),
        instance_type="CLOUD_SQL_INSTANCE",
        settings=settings,
        deletion_protection=not restore.release,
        final_backup_description=restore.kept_as,
        **({"root_password": empty.password} if empty else _made_from(restore, source)),
        opts=pulumi.ResourceOptions(
            depends_on=list(empty.before) if empty else None,
            protect=not restore.release,
            ignore_changes=once if cron else [*once, "settings.databaseFlags"],
            custom_timeouts=_TIMES,
        ),
    )


def _made_from(restore: Restore, source: Source) -> dict[str, Any]:
    """A clone of the original, or a backup that is restored into the new instance once it is there."""
    if restore.from_.snapshot:
        project, instance, number = backup_of(restore.from_.snapshot, source)
        context = {"project": project, "instance_id": instance, "backup_run_id": number}
        return {"restore_backup_context": context}
    time = {"point_in_time": restore.from_.time} if restore.from_.time else {}
    zone = {"preferred_zone": restore.zone} if restore.zone and restore.from_.time else {}
    return {"clone": {"source_instance_name": source.instance, **time, **zone}}


def _settings(name: str, config: Config[Source, Restore], like: Record, now: Record) -> dict[str, Any]:
    """``now``: the restore as it is, or before it is there what it is to be like."""
    restore = config.restores[name]
    kept, serving = restore.kept_as is not None, config.serving == name
    settings = shape.settings(like) | {
        "user_labels": shape.labels(now) | {gates.MARK: name},
        "database_flags": _flags(restore, like, now, serving=serving),
        "ip_configuration": shape.network(like) | _who_gets_in(name, config, like, now),
        "deletion_protection_enabled": not restore.release,
        "final_backup_config": {"enabled": kept}
        | ({"retention_days": restore.final_backup_days} if kept else {}),
    }
    if restore.size:
        settings["tier"] = restore.size
    if restore.zone:
        settings["location_preference"] = {"zone": restore.zone}
    return settings


def _flags(restore: Restore, like: Record, now: Record, *, serving: bool) -> list[dict[str, str]]:
    """Those that it has; jobs that the original has scheduled do not run before it is accepted.

    While it serves, the original's have no say in it any more, but where it is accepted by the same step.
    """
    found, theirs = shape.flags(now), shape.flags(like)
    if shape.CRON in theirs and (not serving or found.get(shape.CRON) == "off"):
        found[shape.CRON] = theirs[shape.CRON] if restore.accepted else "off"
    return [{"name": name, "value": value} for name, value in found.items()]


def _who_gets_in(name: str, config: Config[Source, Restore], like: Record, now: Record) -> dict[str, Any]:
    """By public IP, where it has one: the operators, and the original's own networks once it is accepted.

    While it serves, it keeps those that it has: the original may be fenced by then. One that has none yet is
    accepted by the same step.
    """
    if not now["settings"].get("ipConfiguration", {}).get("ipv4Enabled"):
        return {}
    theirs = [_unlike_ours(one) for one in shape.let_in(like)] if config.restores[name].accepted else []
    if config.serving == name:
        theirs = [one for one in shape.let_in(now) if one.get("name") != OPERATOR] or theirs
    # One that is the application's too is named as its own, and stays when the operator goes.
    known = {one["value"] for one in theirs}
    operators = [
        {"name": OPERATOR, "value": one} for one in dict.fromkeys(config.operators) if one not in known
    ]
    return {"authorized_networks": operators + theirs}


def _unlike_ours(network: Record) -> Record:
    """Of an original that was a restore itself: what was an operator's is a network like any other."""
    return {part: text for part, text in network.items() if (part, text) != ("name", OPERATOR)}


def _private(config: Config[Source, Restore], like: Record, now: Record) -> bool:
    """Whether the application reaches the original by its private address, as it then does a restore.

    ``now``: as of ``_settings``; what has one address alone is reached by that. Where the URL's address is
    none of ``like``'s, because the original is gone or off the internet by now, its kind tells.
    """
    host, _ = address(clear(config.source_url))
    if not (shape.address(now, "PRIMARY") and shape.address(now, "PRIVATE")):
        return shape.address(now, "PRIVATE") is not None
    if host == shape.address(like, "PRIMARY"):
        return False
    return host == shape.address(like, "PRIVATE") or not _is_public(host)


def _is_public(host: str) -> bool:
    """Whether it is an address of the internet; a name is none."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return False
