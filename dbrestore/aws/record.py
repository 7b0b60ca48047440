"""``dbrestore:aws:Record``: a simple CNAME or A record of a Route 53 zone.

Deleting exactly what was read and creating the new one in one batch is refused where somebody has changed it
(https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.aws.api import ClientError, absent, answered, client, code_of
from dbrestore.entries.place import Moved
from dbrestore.entries.records import RecordHandler, RecordInputs, RecordSet, Zone, record_set
from dbrestore.handler import Context, State
from problem import Problem


class AwsRecordInputs(RecordInputs):
    """A record of the hosted zone ``zone`` (its id)."""

    zone: str = Field(min_length=1)


class HostedZone(Zone):
    """A zone by its id; Route 53 is one service for all regions."""

    inputs: AwsRecordInputs

    def __init__(self, context: Context, inputs: AwsRecordInputs, state: State) -> None:
        super().__init__(context, inputs, state)
        self.client: Any = client("route53", None)

    def look(self) -> RecordSet | None:
        with answered(self.where):
            listed = self.client.list_resource_record_sets(
                HostedZoneId=self.inputs.zone,
                StartRecordName=self.inputs.name,
                StartRecordType=self.inputs.type,
                MaxItems="2",
            )["ResourceRecordSets"]
        name = self.inputs.name.rstrip(".").lower()
        found = [
            one
            for one in listed
            if one["Name"].rstrip(".").lower() == name and one["Type"] == self.inputs.type
        ]
        if not found:
            return None
        if len(found) > 1 or "SetIdentifier" in found[0] or "ResourceRecords" not in found[0]:
            what = f"{self.where} is an alias, weighted or otherwise routed record."
            cure = "Name a simple record in the endpoint, such as the CNAME that the application's URL has."
            raise Problem("record-not-simple", what, cure)
        return record_set([one["Value"] for one in found[0]["ResourceRecords"]], found[0]["TTL"])

    def replace(self, old: RecordSet, new: RecordSet) -> str:
        changes = [self._change_of("DELETE", old), self._change_of("CREATE", new)]
        batch = {"Changes": changes, "Comment": "reforge"}
        with answered(self.where):
            try:
                made = self.client.change_resource_record_sets(
                    HostedZoneId=self.inputs.zone, ChangeBatch=batch
                )
            except ClientError as error:
                if code_of(error) == "InvalidChangeBatch":
                    raise Moved from error
                raise
        return str(made["ChangeInfo"]["Id"])

    def settled(self, change: str) -> bool:
        with answered(self.where):
            return bool(self.client.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC")

    def missing(self) -> Problem:
        return absent(f"record {self.inputs.name} {self.inputs.type}", f"zone {self.inputs.zone}")

    def _change_of(self, action: str, wanted: RecordSet) -> dict[str, Any]:
        records = [{"Value": value} for value in wanted.values]
        described = {"Name": self.inputs.name, "Type": self.inputs.type, "TTL": wanted.ttl}
        return {"Action": action, "ResourceRecordSet": {**described, "ResourceRecords": records}}


class Record(RecordHandler):
    """See ``AwsRecordInputs`` and ``RecordHandler``."""

    resource_type = "dbrestore:aws:Record"
    inputs = AwsRecordInputs
    fixed: ClassVar[Mapping[str, str]] = {**RecordHandler.fixed, "zone": RecordHandler.fixed["name"]}

    def place(self, context: Context, inputs: AwsRecordInputs, state: State) -> HostedZone:
        return HostedZone(context, inputs, state)

    def identity(self, inputs: AwsRecordInputs) -> str:
        return f"{inputs.zone}/{inputs.name}/{inputs.type}"
