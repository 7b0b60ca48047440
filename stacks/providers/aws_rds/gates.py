"""What is refused before a restore is made, in the preview already.

Asked only while there is no instance of the name: a snapshot that is gone a month later, or a window that
moved on, must not stop the later stages of a restore that was made from it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from problem import Refusal
from stacks.looking import Looking
from stacks.providers.aws_rds.api import Rds, Record
from stacks.providers.aws_rds.settings import Restore, Source, region_of, weight

MARK = "reforge:restore"
"""The tag that says which restore an instance is."""
_CRON = "pg_cron"
_SOURCES = "`reforge sources` lists what there is."


def require(name: str, restore: Restore, source: Source, like: Record, rds: Rds) -> Record | None:
    """Prove that the restore can work; the snapshot that it is made from, where it is one.

    Refusal ``rds-engine-unfit``, ``rds-cron-jobs``, ``rds-snapshot-unfit``, ``rds-outside-window``,
    ``rds-size-unfit`` or ``rds-quota-reached``.
    """
    _same_kind(like)
    if not (restore.parameter_group or restore.accepted or restore.from_.dump):
        _no_jobs(_group(like), rds)
    size = restore.size or like["DBInstanceClass"]
    snapshot = None
    if restore.from_.snapshot:
        snapshot = _snapshot(restore.from_.snapshot, rds)
    elif not restore.from_.dump:
        _within_window(restore, source, rds)
    version = (snapshot or like)["EngineVersion"]
    _size(size, like["DBInstanceClass"], version, rds)
    _quota(name, int((snapshot or like)["AllocatedStorage"]), rds)
    return snapshot


def is_made(name: str, restore: Restore, like: Record, rds: Rds, *, master: bool) -> bool:
    """Whether the restore's instance is there, and finished.

    ``master``: whether the application logs in as the master user, whose password RDS then does not keep.
    Once an acceptance has reached it nothing is judged any more: it was finished then, and what it has is its
    own affair, as what the original has is the original's.
    Refusal ``rds-name-taken`` where one of that name is not ours, ``rds-half-made`` where it is not finished.
    """
    found = rds.instance_if_any(name)
    if found is None:
        return False
    _ours(name, found, rds)
    if restore.accepted and is_open(found):
        return True
    # The provider's second step sends all at once: new password, parameter group, backups.
    wanted = restore.parameter_group or _group(like)
    if not (_has_settings(found, wanted) if master else found.get("MasterUserSecret")):
        raise _half_made(name, found, "it has the original's passwords and settings of RDS' own choice.")
    return True


def is_open(found: Record | None) -> bool:
    """Whether more reaches it than its own group: it was given the original's when it was accepted."""
    return found is not None and len(found["VpcSecurityGroups"]) > 1


def is_made_empty(name: str, rds: Rds) -> bool:
    """The same of an instance that a dump is loaded into: RDS takes its settings with the order, but the CA.

    How far the load is, its database tells.
    """
    found = rds.instance_if_any(name)
    if found is None:
        return False
    _ours(name, found, rds)
    if found["DBInstanceStatus"] == "creating":
        raise _half_made(name, found, "RDS is still making it.")
    return True


def _half_made(name: str, found: Record, how: str) -> Refusal:
    what = f"{name} is there ({found['DBInstanceStatus']}), but an earlier run did not finish it: {how}"
    cure = (
        f"Remove it: reforge teardown {name}. Where it is still there then, no state knows it: "
        f"aws rds modify-db-instance --db-instance-identifier {name} --no-deletion-protection, then "
        f"aws rds delete-db-instance --db-instance-identifier {name} --skip-final-snapshot. "
        "Then restore again."
    )
    return Refusal("rds-half-made", what, cure)


def _has_settings(found: Record, wanted: str) -> bool:
    """Whether its parameter group is more than the default one that RDS restores with.

    Not the wanted one alone: the original may have been given another meanwhile.
    """
    return _group(found) == wanted or not _is_default(_group(found))


def _group(instance: Record) -> str:
    return str(instance["DBParameterGroups"][0]["DBParameterGroupName"])


def _is_default(group: str) -> bool:
    """Whether it is one of RDS' own, which nobody can change."""
    return group.startswith("default.")


def _ours(name: str, found: Record, rds: Rds) -> None:
    """The tag says so; Refusal else."""
    if {"Key": MARK, "Value": name} not in found.get("TagList", []):
        raise Refusal(
            "rds-name-taken",
            f"There is a DB instance {name} in {rds.region} already, and it is no restore of ours.",
            "Take another name for the restore; nothing was changed.",
        )


def _same_kind(like: Record) -> None:
    if like["Engine"] != "postgres" or like.get("DBClusterIdentifier"):
        what = f"{like['DBInstanceIdentifier']} runs {like['Engine']}"
        raise Refusal("rds-engine-unfit", f"{what}, and only RDS for PostgreSQL can be restored so.")


def _no_jobs(group: str, rds: Rds) -> None:
    """Jobs come with the data; Refusal ``rds-cron-jobs`` where they would run before anybody looks at it."""
    if _is_default(group):
        return
    looking = Looking("aws-denied")
    if _CRON in looking.at("parameters", lambda: rds.preloaded(group), set[str]()):
        raise Refusal(
            "rds-cron-jobs",
            f"The original's parameter group {group} loads {_CRON}: jobs that come with the data would run "
            "in the restore before it is validated.",
            "Name the group that it gets: --with parameter-group=NAME, of a copy of it without "
            f"{_CRON} (docs/clouds/aws-rds.md has the commands), or {group} itself where its jobs may run.",
        )
    for unseen in looking.unseen:
        import pulumi  # here alone: the catalog reads this module, and needs no engine

        pulumi.log.warn(f"{group} may load {_CRON}, whose jobs would run in the restore. Not seen: {unseen}")


def _snapshot(name: str, rds: Rds) -> Record:
    region = region_of(name)
    if region and region != rds.region:
        cure = f"Copy it: aws rds copy-db-snapshot --source-region {region} --region {rds.region}"
        raise Refusal(
            "rds-snapshot-unfit", f"{name} lies in {region}; RDS restores within {rds.region} only.", cure
        )
    found = rds.snapshot(name)
    if found["Engine"] != "postgres":
        raise Refusal("rds-snapshot-unfit", f"Snapshot {name} is of {found['Engine']}.", _SOURCES)
    if found["Status"] != "available":
        what = f"Snapshot {name} is {found['Status']} ({found.get('PercentProgress', 0)} %)."
        raise Refusal("rds-snapshot-unfit", what, f"Wait until it is available. {_SOURCES}")
    return found


def window(backups: list[Record], instance: Record) -> tuple[datetime | None, datetime | None]:
    """The earliest and the latest time that can be restored; None where RDS tells of none.

    The latest is about five minutes ago on a healthy instance.
    """
    found = [one["RestoreWindow"] for one in backups if one.get("RestoreWindow")]
    earliest = min((one["EarliestTime"] for one in found), default=None)
    latest = max((one["LatestTime"] for one in found), default=instance.get("LatestRestorableTime"))
    if not instance.get("BackupRetentionPeriod"):
        return None, None
    return earliest, latest


def _within_window(restore: Restore, source: Source, rds: Rds) -> None:
    earliest, latest = window(rds.automated_backups(source.instance), rds.instance(source.instance))
    if latest is None:
        what = f"{source.instance} has no automated backups, so there is no time to restore to."
        raise Refusal("rds-outside-window", what, f"Restore a snapshot instead. {_SOURCES}")
    if restore.from_.time is None:
        return
    wanted = datetime.fromisoformat(restore.from_.time)
    if wanted > latest:
        raise Refusal(
            "rds-outside-window",
            f"{restore.from_.time} is not restorable yet: the latest restorable time is {_iso(latest)}.",
            "Wait some minutes and run the same command again, or take --latest.",
        )
    if earliest and wanted < earliest:
        what = f"{restore.from_.time} is before the earliest restorable time, {_iso(earliest)}."
        raise Refusal("rds-outside-window", what, f"Restore a snapshot from before it. {_SOURCES}")


def _size(wanted: str, original: str, version: str, rds: Rds) -> None:
    if weight(wanted) < weight(original):
        what = f"{wanted} is smaller than the original's {original}; it would not carry the same load."
        raise Refusal("rds-size-unfit", what, f"Take {original} or a larger one.")
    if wanted != original and not rds.orderable(wanted, version):
        what = f"RDS offers no {wanted} for PostgreSQL {version} in {rds.region}."
        cure = "aws rds describe-orderable-db-instance-options --engine postgres lists those that it offers."
        raise Refusal("rds-size-unfit", what, cure)


def _quota(name: str, storage: int, rds: Rds) -> None:
    """Best told before an hour's wait; one may lack the right to ask, and then RDS tells later."""
    quotas = Looking("aws-denied").at("quotas", rds.quotas, dict[str, tuple[int, int]]())
    for quota, more, unit in (("DBInstances", 1, "instance"), ("AllocatedStorage", storage, "GiB")):
        used, allowed = quotas.get(quota, (0, storage + 1))
        if used + more > allowed:
            what = f"{name} needs {more} {unit} more, and {used} of {allowed} are used in {rds.region}."
            cure = "Ask for more under Service Quotas, or tear down a restore that is not needed."
            raise Refusal("rds-quota-reached", what, cure)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
