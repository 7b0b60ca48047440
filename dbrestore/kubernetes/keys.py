"""``dbrestore:kubernetes:SecretKey`` and ``ConfigMapKey``: the value of one key, all others left alone."""

from __future__ import annotations

from dbrestore.entries.place import Held, Moved
from dbrestore.kubernetes.answers import Conflict
from dbrestore.kubernetes.kinds import CONFIG_MAP, SECRET, Found
from dbrestore.kubernetes.reading import KeyHandler, KeyPlace, encoded
from dbrestore.kubernetes.rollout import MARK, marked
from problem import Problem


class _Key(KeyPlace):
    """A key of an object that holds it itself; written only over the revision that was read."""

    def look(self) -> Found | None:
        return self.api.find(self.kind, self.inputs.namespace, self.inputs.name)

    def write(self, value: str, over: Held) -> None:
        if self.held is None or self.held.revision != over.revision:
            raise Moved
        if self.held.at("immutable", default=False):
            what = f"The {self.held.where} is immutable, so no value of it can be changed."
            cure = "Make a new one under another name and let the deployments read that, or recreate it."
            raise Problem("object-immutable", what, cure)
        written = encoded(value) if self.kind is SECRET else value
        metadata = {"annotations": {MARK: marked(self.held)}}
        try:
            self.api.patch(self.held, {"metadata": metadata, "data": {self.inputs.key: written}})
        except Conflict:
            raise Moved from None


class _SecretKey(_Key):
    kind = SECRET


class _ConfigMapKey(_Key):
    kind = CONFIG_MAP


class SecretKey(KeyHandler):
    """See ``KeyInputs`` and ``KeyHandler``."""

    resource_type = "dbrestore:kubernetes:SecretKey"
    at = _SecretKey


class ConfigMapKey(KeyHandler):
    """See ``KeyInputs`` and ``KeyHandler``."""

    resource_type = "dbrestore:kubernetes:ConfigMapKey"
    at = _ConfigMapKey
