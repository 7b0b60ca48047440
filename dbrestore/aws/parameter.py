"""``dbrestore:aws:Parameter``: a parameter of the Systems Manager, its type and KMS key kept.

There is no conditional write (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html):
the version that a write gives tells whether somebody wrote in between, and then theirs is put back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.aws.api import ClientError, absent, answered, client, code_of
from dbrestore.entries.entry import KeptEntryHandler, KeptInputs
from dbrestore.entries.place import Held, Moved, Place
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "an entry is one parameter; declare another endpoint for another one"
_LABEL = "reforge-before"
"""One label, moved along: a labelled version is never removed, and 100 versions with the oldest of them
labelled would take no further value."""
_KEPT = ("Description", "KeyId", "AllowedPattern", "Tier", "DataType")
"""What a write without them would set to AWS's defaults; the default key of a SecureString among them."""


class ParameterInputs(KeptInputs):
    """The parameter ``name`` has ``value``."""

    name: str = Field(min_length=1)
    region: str | None = None


class Latest(Place):
    """The latest version of a parameter; its number tells whether somebody wrote."""

    def __init__(self, inputs: ParameterInputs) -> None:
        self.name, self.client = inputs.name, client("ssm", inputs.region)

    @property
    def where(self) -> str:
        return f"the parameter {self.name}"

    def read(self) -> Held | None:
        found = self._get(self.name)
        return Held(found["Value"], str(found["Version"])) if found else None

    def write(self, value: str, over: Held) -> None:
        with answered(self.where):
            kept = self._kept()
            self.client.label_parameter_version(
                Name=self.name, ParameterVersion=int(over.revision), Labels=[_LABEL]
            )
            version = self._put(value, kept)
            if version != int(over.revision) + 1:
                theirs = self._get(f"{self.name}:{version - 1}")
                if theirs:
                    self._put(theirs["Value"], kept)
                raise Moved

    def missing(self) -> Problem:
        return absent(f"parameter {self.name}", self.client.meta.region_name)

    def recall(self) -> str | None:
        """The value of the version before the latest, where that has our label."""
        labelled, latest = self._get(f"{self.name}:{_LABEL}"), self._get(self.name)
        if labelled and latest and labelled["Version"] == latest["Version"] - 1:
            return str(labelled["Value"])
        return None

    def _get(self, selector: str) -> Mapping[str, Any] | None:
        with answered(self.where):
            try:
                found = self.client.get_parameter(Name=selector, WithDecryption=True)["Parameter"]
            except ClientError as error:
                if code_of(error) in ("ParameterNotFound", "ParameterVersionNotFound"):
                    return None
                raise
        return dict(found)

    def _kept(self) -> dict[str, Any]:
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [self.name]}]
        pages = self.client.get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
        found = next(one for page in pages for one in page["Parameters"])
        kept = {name: found[name] for name in _KEPT if found.get(name)}
        if policies := [one["PolicyText"] for one in found.get("Policies", ())]:
            kept["Policies"] = f"[{','.join(policies)}]"
        return {"Type": found["Type"], **kept}

    def _put(self, value: str, kept: Mapping[str, Any]) -> int:
        put = self.client.put_parameter(Name=self.name, Value=value, Overwrite=True, **kept)
        return int(put["Version"])


class Parameter(KeptEntryHandler):
    """See ``ParameterInputs`` and ``KeptEntryHandler``."""

    resource_type = "dbrestore:aws:Parameter"
    inputs = ParameterInputs
    fixed: ClassVar[Mapping[str, str]] = {"name": _OTHER, "region": _OTHER}

    def place(self, context: Context, inputs: ParameterInputs, state: State) -> Latest:
        return Latest(inputs)

    def identity(self, inputs: ParameterInputs) -> str:
        return inputs.name
