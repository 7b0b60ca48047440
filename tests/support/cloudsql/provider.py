"""The order in which Google's provider calls the Admin API, for what the program declares.

By resource_sql_database_instance.go of terraform-provider-google: a clone gets its settings by an update
after it is made; a backup is restored into an instance that was inserted before; a change of the backup's
block restores it again, into the instance that is there; the wait has a limit, after which it forgets.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass, field, replace
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
    token = os.environ["GOOGLE_OAUTH_ACCESS_TOKEN"]
    credentials = Credentials(token)  # type: ignore[no-untyped-call]  # ships no types for it
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
            declared = replace(declared, inputs=_as_the_engine_asks(before, declared))
            self._update(before.inputs, declared.inputs)
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
            final["finalBackupTtlDays"] = str(int(kept["retentionDays"]))
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
            body: Record = {"cloneContext": context}
            original = block["sourceInstanceName"]
            self._done(self._instances.clone(project=self.project, instance=original, body=body))
        else:
            body = {"name": name, "region": inputs["region"], "databaseVersion": inputs["databaseVersion"]}
            body["settings"] = _settings(inputs)
            if password := inputs.get("rootPassword"):
                body["rootPassword"] = password.value
            self._done(self._instances.insert(project=self.project, body=body))
        # From here on a failure is kept: the engine holds the instance for made.
        self.state[name] = declared
        if inputs.get("clone"):
            self._settle(inputs)
        self._restore(inputs)

    def _update(self, before: Record, inputs: Record) -> None:
        if before["settings"] != inputs["settings"]:
            self._settle(inputs)
        if before.get("restoreBackupContext") != inputs.get("restoreBackupContext"):
            self._restore(inputs)

    def _settle(self, inputs: Record) -> None:
        body = {"settings": _settings(inputs)}
        self._done(self._instances.update(project=self.project, instance=inputs["name"], body=body))

    def _restore(self, inputs: Record) -> None:
        if block := inputs.get("restoreBackupContext"):
            body = {"restoreBackupContext": {**block, "backupRunId": str(int(block["backupRunId"]))}}
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


def _as_the_engine_asks(before: Declared, declared: Declared) -> Record:
    """The new inputs, with those as they were that the program says to ignore."""
    asked = deepcopy(declared.inputs)
    for path in declared.ignored:
        *way, last = path.split(".")
        old, new = before.inputs, asked
        for part in way:
            old, new = old.get(part, {}), new.get(part, {})
        if last in old:
            new[last] = old[last]
        else:
            new.pop(last, None)
    return asked


def _settings(inputs: Record) -> Record:
    """As the API names them."""
    given = {_NAMES.get(name, name): _whole(value) for name, value in inputs["settings"].items()}
    if quiet := given.pop("denyMaintenancePeriod", None):
        given["denyMaintenancePeriods"] = [quiet]
    return given


def _whole(value: Any) -> Any:
    """The engine's numbers are floats; the API's are not."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) else value
