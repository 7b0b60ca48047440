"""``dbrestore:aws:Secret``: the text of a secret in Secrets Manager, whole or one key of its JSON.

A value is written in two steps, so that nobody's edit is overwritten: a new version without AWSCURRENT, then
AWSCURRENT moved from exactly the version that was read, which Secrets Manager refuses where it is no longer
there (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.aws.api import ClientError, absent, answered, client, code_of
from dbrestore.entries import json_text
from dbrestore.entries.entry import KeptEntryHandler, KeptInputs
from dbrestore.entries.place import Held, Moved, Place
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "an entry is one key of one secret; declare another endpoint for another one"
_PENDING = "reforge-pending"
_LABELS_KEPT = 8
"""Labels of ours that stay: a secret takes 20 in all."""


class SecretInputs(KeptInputs):
    """``secret`` (name or ARN) has ``value``, or has it at ``key`` of its JSON object."""

    secret: str = Field(min_length=1)
    key: str | None = None
    region: str | None = None
    label: str = Field("reforge-before", max_length=256)
    """The staging label that the version gets which was current before."""


class Version(Place):
    """The current version of a secret; its id tells whether somebody wrote."""

    def __init__(self, inputs: SecretInputs) -> None:
        self.secret, self.key, self.label = inputs.secret, inputs.key, inputs.label
        self.client: Any = client("secretsmanager", inputs.region)
        self._text = ""

    @property
    def where(self) -> str:
        return f"{self.key} in the secret {self.secret}" if self.key else f"the secret {self.secret}"

    def read(self) -> Held | None:
        with answered(self.where):
            try:
                found = self.client.get_secret_value(SecretId=self.secret, VersionStage="AWSCURRENT")
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise
        return Held(self._value(found), found["VersionId"])

    def write(self, value: str, over: Held) -> None:
        text = json_text.with_value(self._text, self.key, value) if self.key else value
        with answered(self.where):
            self._attach(self.label, over.revision)
            version = self._put(text, over.revision)
            try:
                self.client.update_secret_version_stage(
                    SecretId=self.secret,
                    VersionStage="AWSCURRENT",
                    RemoveFromVersionId=over.revision,
                    MoveToVersionId=version,
                )
            except ClientError as error:
                if code_of(error) not in ("InvalidParameterException", "InvalidRequestException"):
                    raise
                raise Moved from error
            finally:
                self._detach(_PENDING, version)

    def missing(self) -> Problem:
        if not self._text:
            return absent(f"secret {self.secret} with a value", self.client.meta.region_name)
        what = f"The secret {self.secret} has no key {self.key}, so nothing would read a value put there."
        return Problem("key-missing", what, "Correct `key` in the endpoint.")

    def recall(self) -> str | None:
        """The value of the version before the current one, where that has our label."""
        with answered(self.where):
            before = [
                one for one in self._versions() if {self.label, "AWSPREVIOUS"} <= {*one["VersionStages"]}
            ]
            if not before:
                return None
            found = self.client.get_secret_value(SecretId=self.secret, VersionId=before[0]["VersionId"])
        present, before_it = self._text, self._value(found)
        self._text = present
        return before_it

    def _value(self, found: Mapping[str, Any]) -> str | None:
        if "SecretString" not in found:
            what = f"The secret {self.secret} holds bytes and no text."
            raise Problem("secret-binary", what, "Name the secret that holds the connection string as text.")
        self._text = found["SecretString"]
        return json_text.value_in(self._text, self.key) if self.key else self._text

    def _put(self, text: str, over: str) -> str:
        """The id of a version with that text, not current yet: one for each that it is written over."""
        # Not made of the value: whoever may list versions could then try values until one gives the id.
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, f"reforge/{self.secret}/{self.key}/{self.label}/{over}"))
        asked = {"SecretId": self.secret, "SecretString": text, "VersionStages": [_PENDING]}
        try:
            made = self.client.put_secret_value(**asked, ClientRequestToken=token)
        except ClientError as error:
            if code_of(error) != "ResourceExistsException":
                raise
            made = self.client.put_secret_value(**asked)  # a killed run wanted another value there
        return str(made["VersionId"])

    def _attach(self, label: str, version: str) -> None:
        holder = self._holder(label)
        if holder == version:
            return
        leave = {"RemoveFromVersionId": holder} if holder else {}
        self.client.update_secret_version_stage(
            SecretId=self.secret, VersionStage=label, MoveToVersionId=version, **leave
        )
        self._prune()

    def _detach(self, label: str, version: str) -> None:
        if self._holder(label) == version:
            self.client.update_secret_version_stage(
                SecretId=self.secret, VersionStage=label, RemoveFromVersionId=version
            )

    def _holder(self, label: str) -> str | None:
        return next((one["VersionId"] for one in self._versions() if label in one["VersionStages"]), None)

    def _prune(self) -> None:
        """Take our labels off the oldest versions, which Secrets Manager then removes in its own time."""
        versions = sorted(self._versions(), key=lambda one: one["CreatedDate"], reverse=True)
        ours = [
            (label, one["VersionId"])
            for one in versions
            for label in one["VersionStages"]
            if label.startswith("reforge-before") and label != self.label
        ]
        for label, version in ours[_LABELS_KEPT - 1 :]:
            self._detach(label, version)

    def _versions(self) -> list[Mapping[str, Any]]:
        """The versions that have labels; with 20 labels in all there is one page of them."""
        listed = self.client.list_secret_version_ids(SecretId=self.secret, MaxResults=100)["Versions"]
        return [one for one in listed if one.get("VersionStages")]


class Secret(KeptEntryHandler):
    """See ``SecretInputs`` and ``KeptEntryHandler``."""

    resource_type = "dbrestore:aws:Secret"
    inputs = SecretInputs
    fixed: ClassVar[Mapping[str, str]] = {"secret": _OTHER, "key": _OTHER, "region": _OTHER}

    def place(self, context: Context, inputs: SecretInputs, state: State) -> Version:
        return Version(inputs)

    def identity(self, inputs: SecretInputs) -> str:
        return f"{inputs.secret}#{inputs.key}" if inputs.key else inputs.secret
