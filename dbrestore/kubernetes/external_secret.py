"""``dbrestore:kubernetes:ExternalSecret``: a Secret that an operator copies from a cloud's secret manager.

The value is never written here: another endpoint moves the cloud's secret. Here the copy is asked for
(https://external-secrets.io/latest/introduction/faq: a changed annotation makes it sync) and looked at, until
it has the value; then its readers are started anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from dbrestore.entries.place import Held
from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import SECRET, Found, Kind
from dbrestore.kubernetes.pods import wait
from dbrestore.kubernetes.reading import KeyHandler, KeyInputs, KeyPlace, value_of
from dbrestore.kubernetes.rollout import mark
from problem import Problem

_GROUP, _SYNC = "external-secrets.io", "force-sync"
_AGAIN_AFTER = 10
"""Looks at the copy after which it is asked for anew: the cloud's secret may move beside us."""


class _Copy(KeyPlace):
    """The key of the Secret that an ExternalSecret fills."""

    def __init__(self, api: Api, inputs: KeyInputs) -> None:
        super().__init__(api, inputs)
        version = api.preferred(_GROUP) or f"{_GROUP}/v1"
        self.kind = Kind("externalsecret", version, "externalsecrets")

    def look(self) -> Found | None:
        name = self.bearer.at("spec", "target", "name", default=self.inputs.name)
        return self.api.find(SECRET, self.inputs.namespace, str(name))

    def write(self, value: str, over: Held) -> None:
        self._refuse_if_fixed()
        looks = 0

        def lacking() -> list[str]:
            nonlocal looks
            if looks % _AGAIN_AFTER == 0:
                self._ask()
            looks += 1
            held = self.look()
            return [] if held and value_of(held, self.inputs.key) == value else [_status(self.bearer)]

        if left := wait(self.api, f"{self.where} to be synced", self.inputs.timeout, lacking):
            what = (
                f"{self.where} does not have the value after {self.inputs.timeout:g} s of asking: {left[0]}."
            )
            cure = (
                "See whether the cloud's secret has moved (an endpoint too), and what the operator says: "
                f"kubectl -n {self.inputs.namespace} describe externalsecret {self.inputs.name}"
            )
            raise Problem("external-secret-not-synced", what, cure)

    def _ask(self) -> None:
        wish: dict[str, Any] = {"metadata": {"annotations": {_SYNC: f"reforge-{secrets.token_hex(4)}"}}}
        self.api.change(mark(self.api, self.bearer), lambda _now: wish)

    def _refuse_if_fixed(self) -> None:
        bearer = self.bearer
        if bearer.at("spec", "refreshPolicy") == "CreatedOnce":
            what = f"The {bearer.where} is copied once and never again (refreshPolicy: CreatedOnce)."
            cure = "Set another policy, or name the Secret itself as a kubernetes-secret endpoint."
            raise Problem("external-secret-not-synced", what, cure)


def _status(bearer: Found) -> str:
    conditions = bearer.at("status", "conditions", default=[])
    said = [f"Ready is {one.get('status')} ({one.get('reason')})" for one in conditions if _is_ready(one)]
    since = bearer.at("status", "refreshTime", default="never")
    return f"{''.join(said) or 'it has no status'}, last synced {since}"


def _is_ready(condition: Mapping[str, Any]) -> bool:
    return condition.get("type") == "Ready"


class ExternalSecret(KeyHandler):
    """See ``KeyInputs`` and ``KeyHandler``; ``name`` is the ExternalSecret's, ``key`` its Secret's."""

    resource_type = "dbrestore:kubernetes:ExternalSecret"
    at = _Copy
