"""What is refused before a restore is made, in the preview already.

What it is made from is asked for only while there is no instance of the name: a backup that is gone a month
later, or a window that moved on, must not stop the later stages of a restore that was made from it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from problem import Refusal
from stacks.providers.gcp_cloudsql import shape
from stacks.providers.gcp_cloudsql.api import CloudSql, Record
from stacks.providers.gcp_cloudsql.faults import by_hand
from stacks.providers.gcp_cloudsql.settings import Restore, Source, backup_of, cpus, is_plus

MARK = "reforge-restore"
"""The label that says which restore an instance is."""
RESERVED_FOR = timedelta(days=7)
"""How long a deleted instance's name stays taken where Cloud SQL reserves it."""
_CLONES = {"CLONE", "CREATE_CLONE"}
_SOURCES = "`reforge sources` lists what there is."
_OTHER = "Take another name for the restore; nothing was changed."


def require(name: str, restore: Restore, source: Source, like: Record, api: CloudSql) -> Record | None:
    """Prove that the restore can work; the backup that it is made from, where it is one.

    Refusal ``cloudsql-engine-unfit``, ``cloudsql-name-reserved``, ``cloudsql-backup-unfit``,
    ``cloudsql-outside-window`` or ``cloudsql-size-unfit``.
    """
    _same_kind(like)
    _never_used(name, api)
    _size(restore.size, like)
    if restore.from_.snapshot:
        return _backup(restore.from_.snapshot, source, like, api)
    if restore.from_.time:
        _within_window(restore.from_.time, source, api)
    return None


def made(name: str, restore: Restore, api: CloudSql) -> Record | None:
    """The restore's instance; None before it is there, Refusal where it is not ours or holds nothing."""
    found = api.instance_if_any(name)
    if found is None:
        return None
    operations = api.operations(name)
    done = {one["operationType"] for one in operations if _succeeded(one)}
    if shape.labels(found).get(MARK) != name and not done & _CLONES:
        # A clone gets its label after it is made; one that was ended in between is finished by the next run.
        raise _unlabelled(name, operations, api.project)
    waits = restore.from_.snapshot and not restore.accepted and not restore.release
    if waits and "RESTORE_VOLUME" not in done:
        # The provider makes an instance, then restores into it. Where the second failed, the engine holds
        # the first for all that was wanted, and an empty database would look like a restored one.
        what = f"{name} was made, and the backup was never restored into it: it holds nothing."
        cure = f"Remove it: reforge teardown {name}. {_forgotten(name, api.project)}"
        raise Refusal("cloudsql-half-made", what, cure)
    return found


def _unlabelled(name: str, operations: list[Record], project: str) -> Refusal:
    """An instance of the restore's name that does not say that it is one."""
    if any(one["operationType"] in _CLONES and one["status"] != "DONE" for one in operations):
        what = f"{name} is still being cloned, for a run that has ended."
        cure = (
            f"Wait until it is done (gcloud sql operations list --instance={name} --project={project}), "
            f"then remove it: reforge teardown {name}. {_forgotten(name, project)}"
        )
        return Refusal("cloudsql-half-made", what, cure)
    what = f"There is an instance {name} in {project} already, and it is no restore of ours."
    return Refusal("cloudsql-name-taken", what, _OTHER)


def _forgotten(name: str, project: str) -> str:
    return (
        f"Where it is still there then, no state knows it: {by_hand(name, project)}. "
        "Then restore under another name."
    )


def require_reachable(operators: list[str], like: Record) -> None:
    """Refusal ``cloudsql-network-unfit`` where operators could not be let in, or nobody would find it."""
    config = like["settings"].get("ipConfiguration", {})
    if config.get("pscConfig", {}).get("pscEnabled"):
        what = (
            f"{like['name']} is reached by Private Service Connect; a restore would have no endpoint there."
        )
        raise Refusal(
            "cloudsql-network-unfit", what, "Name an instance with private or public IP: `source.like`."
        )
    sixes = [one for one in operators if ":" in one]
    if config.get("ipv4Enabled") and sixes:
        what = f"Cloud SQL lets in IPv4 networks only, and {', '.join(sixes)} is none."
        raise Refusal("cloudsql-network-unfit", what, "Give the operators' IPv4 networks: `operators`.")


def _succeeded(operation: Record) -> bool:
    return operation["status"] == "DONE" and not operation.get("error")


def _same_kind(like: Record) -> None:
    if not like["databaseVersion"].startswith("POSTGRES_"):
        what = f"{like['name']} runs {like['databaseVersion']}, and only PostgreSQL can be restored so."
        raise Refusal("cloudsql-engine-unfit", what, "Name an instance of PostgreSQL under `source`.")


def _never_used(name: str, api: CloudSql) -> None:
    """A name that was deleted is not taken again, as far as Cloud SQL tells of it."""
    gone = [
        one["endTime"] for one in api.operations(name) if one["operationType"] == "DELETE" and _succeeded(one)
    ]
    until = max((_moment(end) for end in gone), default=datetime.min.replace(tzinfo=UTC)) + (
        RESERVED_FOR if gone else timedelta()
    )
    if until > datetime.now(UTC):
        what = f"An instance {name} was deleted in {api.project}; its name may be taken until {_iso(until)}."
        raise Refusal("cloudsql-name-reserved", what, _OTHER)


def _backup(asked: str, source: Source, like: Record, api: CloudSql) -> Record:
    found = api.backup(*backup_of(asked, source))
    if found["status"] != "SUCCESSFUL":
        what = f"Backup {asked} is {found['status']}."
        raise Refusal(
            "cloudsql-backup-unfit", what, f"Take another, or wait where it is being made. {_SOURCES}"
        )
    version = found.get("databaseVersion", like["databaseVersion"])
    if version != like["databaseVersion"]:
        what = f"Backup {asked} is of {version}, and {like['name']} runs {like['databaseVersion']}."
        raise Refusal("cloudsql-backup-unfit", what, f"Take a backup of the same version. {_SOURCES}")
    return found


def _within_window(asked: str, source: Source, api: CloudSql) -> None:
    original = api.instance(source.instance)
    if not original["settings"].get("backupConfiguration", {}).get("pointInTimeRecoveryEnabled"):
        what = f"{source.instance} has no point-in-time recovery, so there is no time to restore to."
        raise Refusal("cloudsql-outside-window", what, f"Restore a backup instead. {_SOURCES}")
    earliest, latest = api.window(source.instance)
    wanted = _moment(asked)
    if wanted > _moment(latest):
        what = f"{asked} is not restorable yet: the latest time is {_iso(_moment(latest))}."
        cure = "Wait some minutes and run the same command again, or take --latest."
        raise Refusal("cloudsql-outside-window", what, cure)
    if wanted < _moment(earliest):
        what = f"{asked} is before the earliest restorable time, {_iso(_moment(earliest))}."
        raise Refusal("cloudsql-outside-window", what, f"Restore a backup from before it. {_SOURCES}")


def _size(wanted: str | None, like: Record) -> None:
    original = like["settings"]["tier"]
    if wanted is None or wanted == original:
        return
    if cpus(wanted) < cpus(original):
        what = f"{wanted} is smaller than the original's {original}; it would not carry the same load."
        raise Refusal("cloudsql-size-unfit", what, f"Take {original} or a larger one.")
    edition = like["settings"].get("edition", "ENTERPRISE")
    if is_plus(wanted) != (edition == "ENTERPRISE_PLUS"):
        what = f"{wanted} is no tier of the original's edition, {edition}."
        raise Refusal(
            "cloudsql-size-unfit", what, "gcloud sql tiers list --show-edition lists those that it has."
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
