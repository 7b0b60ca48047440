"""``dbrestore:gcp:Secret``: the text of a secret in Secret Manager, whole or one key of its JSON.

A new version is the latest at once, and there is no condition on adding one
(https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/addVersion): the number that
it gets tells whether somebody added one in between, and then theirs is put back. The version before is named
by an alias, which is set under the secret's etag. Nothing is ever disabled or destroyed.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.entries import json_text
from dbrestore.entries.entry import KeptEntryHandler, KeptInputs
from dbrestore.entries.place import Held, Moved, Place
from dbrestore.gcp.api import Api, NotThere, Refused, absent
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "an entry is one key of one secret; declare another endpoint for another one"


class GcpSecretInputs(KeptInputs):
    """``secret`` of ``project`` has ``value``, or has it at ``key`` of its JSON object."""

    project: str = Field(min_length=1)
    secret: str = Field(min_length=1)
    key: str | None = None
    label: str = Field("reforge-before", max_length=63)
    """The alias that the version gets which was the latest before."""


class Latest(Place):
    """The latest version of a secret; its number tells whether somebody wrote."""

    def __init__(self, inputs: GcpSecretInputs) -> None:
        self.project, self.secret, self.key, self.label = (
            inputs.project,
            inputs.secret,
            inputs.key,
            inputs.label,
        )
        self.name = f"projects/{inputs.project}/secrets/{inputs.secret}"
        self.google = Api("secretmanager")
        self._text: str | None = None

    @property
    def where(self) -> str:
        return f"{self.key} in the secret {self.secret}" if self.key else f"the secret {self.secret}"

    def read(self) -> Held | None:
        try:
            number, self._text = self._access("latest")
        except NotThere:
            self._text = None
            return None
        return Held(self._value(self._text), number)

    def write(self, value: str, over: Held) -> None:
        text = json_text.with_value(self._text or "", self.key, value) if self.key else value
        self._name_before(over.revision)
        if self._access("latest")[0] != over.revision:
            raise Moved
        number = self._add(text)
        if number != int(over.revision) + 1:
            self._add(self._access(str(number - 1))[1])
            raise Moved

    def missing(self) -> Problem:
        if self._text is None:
            return absent(f"secret {self.secret} with a version", self.project)
        what = f"The secret {self.secret} has no key {self.key}, so nothing would read a value put there."
        return Problem("key-missing", what, "Correct `key` in the endpoint.")

    def recall(self) -> str | None:
        """The value of the version before the latest, where our alias names that."""
        latest, before = (
            int(self._access("latest")[0]),
            self._secret().get("versionAliases", {}).get(self.label),
        )
        if before is None or int(before) != latest - 1:
            return None
        return self._value(self._access(str(before))[1])

    def _value(self, text: str) -> str | None:
        return json_text.value_in(text, self.key) if self.key else text

    def _access(self, version: str) -> tuple[str, str]:
        """The number and the text of a version."""
        asked = self._versions.access(name=f"{self.name}/versions/{version}")
        found = self.google.ask(asked, self.where)
        try:
            text = base64.b64decode(found["payload"]["data"]).decode()
        except UnicodeDecodeError:
            what = f"The secret {self.secret} holds bytes and no text."
            cure = "Name the secret that holds the connection string as text."
            raise Problem("secret-binary", what, cure) from None
        return found["name"].rpartition("/")[2], text

    def _add(self, text: str) -> int:
        body = {"payload": {"data": base64.b64encode(text.encode()).decode()}}
        # Not asked again by itself: an answer that was lost would leave two versions.
        asked = self._secrets.addVersion(parent=self.name, body=body)
        return int(self.google.ask(asked, self.where, again=False)["name"].rpartition("/")[2])

    def _name_before(self, number: str) -> None:
        secret = self._secret()
        aliases = {**secret.get("versionAliases", {}), self.label: number}
        if secret.get("versionAliases") == aliases:
            return
        body = {"versionAliases": aliases, "etag": secret["etag"]}
        asked = self._secrets.patch(name=self.name, updateMask="versionAliases", body=body)
        try:
            self.google.ask(asked, self.where)
        except Refused:
            raise Moved from None

    def _secret(self) -> Mapping[str, Any]:
        return self.google.ask(self._secrets.get(name=self.name), self.where)

    @property
    def _secrets(self) -> Any:
        return self.google.api.projects().secrets()

    @property
    def _versions(self) -> Any:
        return self._secrets.versions()


class Secret(KeptEntryHandler):
    """See ``GcpSecretInputs`` and ``KeptEntryHandler``."""

    resource_type = "dbrestore:gcp:Secret"
    inputs = GcpSecretInputs
    fixed: ClassVar[Mapping[str, str]] = {"project": _OTHER, "secret": _OTHER, "key": _OTHER}

    def place(self, context: Context, inputs: GcpSecretInputs, state: State) -> Latest:
        return Latest(inputs)

    def identity(self, inputs: GcpSecretInputs) -> str:
        whole = f"projects/{inputs.project}/secrets/{inputs.secret}"
        return f"{whole}#{inputs.key}" if inputs.key else whole
