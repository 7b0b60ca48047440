"""The order in which Google's provider calls the Admin API, for what the program declares.

By resource_sql_database_instance.go of terraform-provider-google: a clone gets its settings by an update
after it is made; a backup is restored into an instance that was inserted before; a change of the backup's
block restores it again, into the instance that is there; the wait has a limit, after which it forgets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient import discovery

from tests.stacks.deployment import Declared

Record = dict[str, Any]
_NAMES = {
    "diskType": "dataDiskType",
    "diskSize": "dataDiskSizeGb",
    "diskAutoresize": "storageAutoResize",
    "diskAutoresizeLimit": "storageAutoResizeLimit",
}
"""Where the API has another name for a setting."""


class Failed(Exception):
    """As the engine would hear it."""


def api() -> Any:
    """A client of the fake."""
    options = {"api_endpoint": os.environ["GOOGLE_SQL_CUSTOM_ENDPOINT"]}
    credentials = Credentials(os.environ["GOOGLE_OAUTH_ACCESS_TOKEN"])
    return discovery.build("sqladmin", "v1", credentials=credentials, client_options=options)


@dataclass
class Provider:
    """Brings declared instances about; ``state`` is what the engine keeps of them."""

    project: str
    state: dict[str, Declared] = field(default_factory=dict)

    def up(self, declared: Declared) -> None:
        """Create it, or change it as far as the program has not said to ignore."""
        before = self.state.get(declared.name)
        if before is None:
            self._create(declared)
        else:
            self._update(before, declared)
        self.state[declared.name] = declared

    def remove(self, name: str) -> None:
        """Delete it with what the last up said of its protection and its final backup."""
        inputs = self.state[name].inputs
        if inputs["deletionProtection"] or self.state[name].protect:
            raise Failed(f"{name} is protected")
        kept = inputs["settings"]["finalBackupConfig"]
        final: Record = {"enableFinalBackup": True} if kept["enabled"] else {}
        if kept["enabled"]:
            final["finalBackupDescription"] = inputs["finalBackupDescription"]
            final["finalBackupTtlDays"] = str(kept["retentionDays"])
        self._done(self._instances.delete(project=self.project, instance=name, **final))
        del self.state[name]

    @property
    def _instances(self) -> Any:
        return api().instances()

    def _create(self, declared: Declared) -> None:
        inputs, name = declared.inputs, declared.name
        if block := inputs.get("clone"):
            context = {"destinationInstanceName": name} | (
                {"pointInTime": block["pointInTime"]} if "pointInTime" in block else {}
            )
            body = {"cloneContext": context}
            original = block["sourceInstanceName"]
            self._done(self._instances.clone(project=self.project, instance=original, body=body))
        else:
            body = {"name": name, "region": inputs["region"], "databaseVersion": inputs["databaseVersion"]}
            body["settings"] = _settings(inputs)
            self._done(self._instances.insert(project=self.project, body=body))
        # From here on a failure is kept: the engine holds the instance for made.
        self.state[name] = declared
        if inputs.get("clone"):
            self._settle(inputs)
        self._restore(inputs)

    def _update(self, before: Declared, declared: Declared) -> None:
        inputs = declared.inputs
        if "restoreBackupContext" not in declared.ignored and before.inputs != inputs:
            self._restore(inputs)
        if before.inputs["settings"] != inputs["settings"]:
            self._settle(inputs)

    def _settle(self, inputs: Record) -> None:
        body = {"settings": _settings(inputs)}
        self._done(self._instances.update(project=self.project, instance=inputs["name"], body=body))

    def _restore(self, inputs: Record) -> None:
        if block := inputs.get("restoreBackupContext"):
            body = {"restoreBackupContext": {**block, "backupRunId": str(block["backupRunId"])}}
            self._done(
                self._instances.restoreBackup(project=self.project, instance=inputs["name"], body=body)
            )

    def _done(self, request: Any) -> None:
        operation = request.execute()
        if operation["status"] != "DONE":
            raise Failed(
                "Error waiting for Create Instance: timeout while waiting for state to become 'DONE' "
                "(last state: 'RUNNING', timeout: 6h0m0s): DatabaseInstance"
            )
        if "error" in operation:
            raise Failed(f"googleapi: {operation['error']['errors'][0]['message']}")


def _settings(inputs: Record) -> Record:
    """As the API names them."""
    given = {_NAMES.get(name, name): value for name, value in inputs["settings"].items()}
    if quiet := given.pop("denyMaintenancePeriod", None):
        given["denyMaintenancePeriods"] = [quiet]
    return given
