"""What Cloud SQL keeps and does: instances, operations, backups, windows, and names that stay reserved.

By https://cloud.google.com/sql/docs/postgres/admin-api and the pages on cloning, backups and deletion.
``contents`` says what data an instance holds, in words, so that a test sees what was overwritten.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.cloudsql import answers
from tests.support.cloudsql.answers import Record
from tests.support.cloudsql.rows import Rows

PROJECT = "starforge"
RESERVED_FOR = timedelta(days=7)
TIERS = ("db-custom-2-7680", "db-custom-4-15360", "db-custom-8-30720", "db-perf-optimized-N-4", "db-f1-micro")


@dataclass
class Admin:
    """The state of one project at a time that a test sets."""

    now: datetime
    instances: dict[str, Record] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    backups: dict[str, list[Record]] = field(default_factory=dict)
    """By instance; those of a deleted one are gone, but for final ones."""
    final_backups: list[Record] = field(default_factory=list)
    windows: dict[str, tuple[str, str]] = field(default_factory=dict)
    operations: list[Record] = field(default_factory=list)
    reserved: dict[str, datetime] = field(default_factory=dict)
    endings: dict[str, str] = field(default_factory=dict)
    """How operations of a type end: an error's message, or ``never``."""
    rows: Rows | None = None
    """Real servers behind the instances."""
    page: int = 100
    """How many items a list answers at once."""

    def get(self, instance: str, **_: str) -> Record:
        if instance not in self.instances:
            raise answers.missing_instance()
        return self.instances[instance]

    def list(self, **_: str) -> Record:
        return {"kind": "sql#instancesList", "items": list(self.instances.values())}

    def insert(self, body: Record, **_: str) -> Record:
        name = body["name"]
        self._require_free(name)
        if not body.get("settings", {}).get("tier"):
            raise answers.invalid("Missing parameter: tier.")
        password = body.get("rootPassword", "")
        self._make(name, {part: deepcopy(body[part]) for part in body if part != "rootPassword"}, password)
        return self._operation("CREATE", name)

    def clone(self, instance: str, body: Record, **_: str) -> Record:
        context, original = body["cloneContext"], self.get(instance)
        name, moment = context["destinationInstanceName"], context.get("pointInTime")
        self._require_free(name)
        if moment and not self._reaches(instance, moment):
            raise answers.invalid("The requested point in time is outside the recovery window.")
        kept = ("databaseVersion", "region", "settings", "diskEncryptionConfiguration")
        self._make(name, {part: deepcopy(original[part]) for part in kept if part in original})
        self._hold(name, f"{instance} at {moment or 'the latest time'}")
        return self._operation("CREATE_CLONE", name)

    def restore_backup(self, instance: str, body: Record, **_: str) -> Record:
        """Overwrites the instance that is named, whatever it holds."""
        self.get(instance)
        context = body["restoreBackupContext"]
        run = self.backup(context.get("instanceId", instance), str(context["backupRunId"]))
        if "RESTORE_VOLUME" not in self.endings:
            self._hold(instance, f"backup {run['id']} of {run['instance']}")
        return self._operation("RESTORE_VOLUME", instance)

    def update(self, instance: str, body: Record, **_: str) -> Record:
        found = self.get(instance)
        found["settings"] = deepcopy(body["settings"])
        return self._operation("UPDATE", instance)

    def patch(self, instance: str, body: Record, **_: str) -> Record:
        found = self.get(instance)
        found["settings"] |= deepcopy(body.get("settings", {}))
        return self._operation("UPDATE", instance)

    def promote(self, instance: str, **_: str) -> Record:
        found = self.get(instance)
        if found["instanceType"] != "READ_REPLICA_INSTANCE":
            raise answers.invalid("The instance is not a read replica.")
        if "PROMOTE_REPLICA" not in self.endings:
            found["instanceType"] = "CLOUD_SQL_INSTANCE"
            master = found.pop("masterInstanceName").rpartition(":")[2]
            self.instances[master]["replicaNames"].remove(instance)
        return self._operation("PROMOTE_REPLICA", instance)

    def delete(self, instance: str, **asked: str) -> Record:
        found = self.get(instance)
        if found["settings"].get("deletionProtectionEnabled"):
            raise answers.protected()
        if found.get("replicaNames"):
            raise answers.invalid("The instance has replicas.")
        if asked.get("enableFinalBackup") == "true":
            words = asked.get("finalBackupDescription", "")
            self.final_backups.append({"instance": instance, "type": "FINAL", "description": words})
        for kept in (self.instances, self.contents, self.backups):
            kept.pop(instance, None)
        if self.rows:
            self.rows.close(instance)
        self.reserved[instance] = self.now + RESERVED_FOR
        return self._operation("DELETE", instance)

    def backup_runs(self, instance: str, pageToken: str = "0", **_: str) -> Record:
        self.get(instance)
        found, start = self.backups.get(instance, []), int(pageToken)
        end = start + self.page
        following = {"nextPageToken": str(end)} if end < len(found) else {}
        return {"kind": "sql#backupRunsList", "items": found[start:end], **following}

    def backup(self, instance: str, id: str, **_: str) -> Record:
        for one in self.backups.get(instance, []):
            if one["id"] == id:
                return one
        raise answers.missing_backup()

    def window(self, instance: str, **_: str) -> Record:
        self.get(instance)
        if instance not in self.windows:
            raise answers.invalid("Point-in-time recovery is not enabled for the instance.")
        earliest, latest = self.windows[instance]
        return {"earliestRecoveryTime": earliest, "latestRecoveryTime": latest}

    def tiers(self, **_: str) -> Record:
        return {"items": [{"tier": name, "region": ["europe-west3"]} for name in TIERS]}

    def operation(self, operation: str, **_: str) -> Record:
        return next(one for one in self.operations if one["name"] == operation)

    def operation_list(self, instance: str = "", **_: str) -> Record:
        found = [one for one in reversed(self.operations) if instance in ("", one["targetId"])]
        if instance and not found and instance not in self.instances:
            raise answers.DENIED  # as it says of what is not there
        return {"kind": "sql#operationsList", "items": found}

    def _make(self, name: str, body: Record, password: str = "") -> None:
        settings = body.setdefault("settings", {})
        settings["settingsVersion"] = "1"
        public = settings.get("ipConfiguration", {}).get("ipv4Enabled", True)
        private = settings.get("ipConfiguration", {}).get("privateNetwork")
        addresses = [{"type": "PRIMARY", "ipAddress": "203.0.113.90"}] if public else []
        addresses += [{"type": "PRIVATE", "ipAddress": "10.9.0.90"}] if private else []
        made = {"kind": "sql#instance", "project": PROJECT, "state": "RUNNABLE", "ipAddresses": addresses}
        kind = "READ_REPLICA_INSTANCE" if body.get("masterInstanceName") else "CLOUD_SQL_INSTANCE"
        self.instances[name] = made | {"instanceType": kind, "replicaNames": []} | body | {"name": name}
        self.contents[name] = "empty"
        if self.rows:
            address = self.rows.open(name, password)
            self.instances[name]["ipAddresses"] = [{"type": "PRIVATE", "ipAddress": address}]

    def _hold(self, name: str, data: str) -> None:
        self.contents[name] = data
        if self.rows:
            self.rows.fill(name, data)

    def _require_free(self, name: str) -> None:
        if name in self.instances or self.now < self.reserved.get(name, self.now):
            raise answers.name_taken()

    def _reaches(self, instance: str, moment: str) -> bool:
        if instance not in self.windows:
            return False
        earliest, latest = (datetime.fromisoformat(end) for end in self.windows[instance])
        return earliest <= datetime.fromisoformat(moment) <= latest

    def _operation(self, kind: str, target: str) -> Record:
        ending = self.endings.get(kind)
        done: dict[str, Any] = {"status": "DONE", "endTime": self.now.isoformat()}
        if ending == "never":
            done = {"status": "RUNNING"}
        elif ending:
            done["error"] = {
                "errors": [{"kind": "sql#operationError", "code": "INTERNAL", "message": ending}]
            }
        made = {"kind": "sql#operation", "name": f"op-{len(self.operations)}", "operationType": kind}
        made |= {"targetId": target, "targetProject": PROJECT, "insertTime": self.now.isoformat()}
        self.operations.append(made | done)
        return self.operations[-1]
