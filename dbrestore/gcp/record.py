"""``dbrestore:gcp:Record``: a simple CNAME or A record of a Cloud DNS zone.

A change deletes exactly what was read and adds the new one; Cloud DNS refuses all of it where the zone has
something else (https://cloud.google.com/dns/docs/reference/rest/v1/changes/create).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.entries.place import Moved
from dbrestore.entries.records import RecordHandler, RecordInputs, RecordSet, Zone, record_set
from dbrestore.gcp.api import Api, NotThere, Refused, absent
from dbrestore.handler import Context, State
from problem import Problem


class GcpRecordInputs(RecordInputs):
    """A record of the managed zone ``zone`` of ``project``."""

    project: str = Field(min_length=1)
    zone: str = Field(min_length=1)


class ManagedZone(Zone):
    """A zone by its name."""

    inputs: GcpRecordInputs

    def __init__(self, context: Context, inputs: GcpRecordInputs, state: State) -> None:
        super().__init__(context, inputs, state)
        self.google = Api("dns")
        self._at = {"project": inputs.project, "managedZone": inputs.zone}
        self._name = inputs.name.rstrip(".") + "."

    def look(self) -> RecordSet | None:
        asked = self.google.api.resourceRecordSets().list(**self._at, name=self._name, type=self.inputs.type)
        try:
            found = self.google.ask(asked, self.where).get("rrsets", [])
        except NotThere:  # the zone
            return None
        if not found:
            return None
        if "rrdatas" not in found[0] or "routingPolicy" in found[0]:
            what = f"{self.where} is routed by a policy."
            cure = "Name a simple record in the endpoint, such as the CNAME that the application's URL has."
            raise Problem("record-not-simple", what, cure)
        return record_set(found[0]["rrdatas"], int(found[0]["ttl"]))

    def replace(self, old: RecordSet, new: RecordSet) -> str:
        body = {"deletions": [self._described(old)], "additions": [self._described(new)]}
        try:
            made = self.google.ask(
                self.google.api.changes().create(**self._at, body=body), self.where, again=False
            )
        except (Refused, NotThere):
            raise Moved from None
        return str(made["id"])

    def settled(self, change: str) -> bool:
        asked = self.google.api.changes().get(**self._at, changeId=change)
        return bool(self.google.ask(asked, self.where)["status"] == "done")

    def missing(self) -> Problem:
        return absent(
            f"record {self.inputs.name} {self.inputs.type} in {self.inputs.zone}", self.inputs.project
        )

    def _described(self, wanted: RecordSet) -> dict[str, Any]:
        dot = "." if self.inputs.type == "CNAME" else ""
        values = [f"{value}{dot}" for value in wanted.values]
        return {"name": self._name, "type": self.inputs.type, "ttl": wanted.ttl, "rrdatas": values}


class Record(RecordHandler):
    """See ``GcpRecordInputs`` and ``RecordHandler``."""

    resource_type = "dbrestore:gcp:Record"
    inputs = GcpRecordInputs
    fixed: ClassVar[Mapping[str, str]] = {
        **RecordHandler.fixed,
        "zone": RecordHandler.fixed["name"],
        "project": RecordHandler.fixed["name"],
    }

    def place(self, context: Context, inputs: GcpRecordInputs, state: State) -> ManagedZone:
        return ManagedZone(context, inputs, state)

    def identity(self, inputs: GcpRecordInputs) -> str:
        return f"{inputs.project}/{inputs.zone}/{inputs.name}/{inputs.type}"
