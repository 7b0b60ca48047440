"""``dbrestore:aws:Service``: how many tasks of an ECS service run.

The original is a tag of the service while it is not what runs, so that a kill loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.aws.api import absent, answered, client
from dbrestore.aws.autoscaling import require_no_fight
from dbrestore.entries.dial import DialHandler, DialInputs, await_or_tell
from dbrestore.entries.place import Held, Place
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "a writer is one service of one cluster; declare another writer for another one"
_TAG = "reforge-original"


class ServiceInputs(DialInputs):
    """``desired`` of the service's tasks."""

    cluster: str = Field(min_length=1)
    service: str = Field(min_length=1)
    region: str | None = None
    database: str | None = None
    """host:port of the application's database: tasks that know another one are replaced."""


class DesiredCount(Place):
    """A service's desired count, as text."""

    def __init__(self, context: Context, inputs: ServiceInputs, state: State) -> None:
        self.context, self.inputs = context, inputs
        self.moved = state.get("database") not in (None, inputs.database)
        self.client: Any = client("ecs", inputs.region)
        self.wrote = False

    @property
    def where(self) -> str:
        return f"the count of tasks of the service {self.inputs.service} in the cluster {self.inputs.cluster}"

    def read(self) -> Held | None:
        found = self._look()
        return Held(str(found["desiredCount"])) if found else None

    def write(self, value: str, over: Held) -> None:
        if int(value) < int(over.value or 0):
            require_no_fight(self.inputs.cluster, self.inputs.service, self.inputs.region, int(value))
        self.context.progress(f"{self.inputs.service}: from {over.value} to {value} tasks")
        self._ask(desiredCount=int(value))
        self.wrote = True

    def finish(self) -> None:
        """Replace tasks that know another database, and wait until exactly the wanted ones run."""
        found = self._look() or {}
        if self.moved and not self.wrote and found.get("desiredCount"):
            self._ask(forceNewDeployment=True)
        elif not self.wrote and self.inputs.desired == "all":
            return  # the owner's own deployments are not ours to wait for
        what = f"{self.inputs.service} in {self.inputs.cluster} does not run the wanted number of tasks yet."
        cure = "Look at the service's events in ECS, then run the same command again; it goes on from there."
        late = Problem("tasks-not-settled", what, cure)
        await_or_tell(self.context, self.inputs.timeout, self._settled, late)

    def missing(self) -> Problem:
        return absent(f"ECS service {self.inputs.service}", f"the cluster {self.inputs.cluster}")

    def note(self, original: str) -> None:
        with answered(self.where):
            self.client.tag_resource(resourceArn=self._arn(), tags=[{"key": _TAG, "value": original}])

    def recall(self) -> str | None:
        tags = {one["key"]: one["value"] for one in (self._look() or {}).get("tags", [])}
        return tags.get(_TAG)

    def forget(self) -> None:
        with answered(self.where):
            self.client.untag_resource(resourceArn=self._arn(), tagKeys=[_TAG])

    def _settled(self) -> bool:
        found = self._look() or {}
        rolling = [one for one in found.get("deployments", []) if one.get("status") != "PRIMARY"]
        counts = (found.get("runningCount"), found.get("pendingCount"))
        return counts == (found.get("desiredCount"), 0) and not rolling

    def _arn(self) -> str:
        return str((self._look() or {})["serviceArn"])

    def _ask(self, **changes: Any) -> None:
        with answered(self.where):
            self.client.update_service(cluster=self.inputs.cluster, service=self.inputs.service, **changes)

    def _look(self) -> Mapping[str, Any] | None:
        asked = {"cluster": self.inputs.cluster, "services": [self.inputs.service], "include": ["TAGS"]}
        with answered(self.where):
            found = self.client.describe_services(**asked)["services"]
        active = [one for one in found if one["status"] == "ACTIVE"]
        return dict(active[0]) if active else None


class Service(DialHandler):
    """See ``ServiceInputs`` and ``DialHandler``."""

    resource_type = "dbrestore:aws:Service"
    inputs = ServiceInputs
    fixed: ClassVar[Mapping[str, str]] = {"cluster": _OTHER, "service": _OTHER, "region": _OTHER}

    def place(self, context: Context, inputs: ServiceInputs, state: State) -> DesiredCount:
        return DesiredCount(context, inputs, state)

    def identity(self, inputs: ServiceInputs) -> str:
        return f"{inputs.cluster}/{inputs.service}"

    def wanted(self, inputs: ServiceInputs, original: str | None) -> str:
        """One task at most as a canary: none where there were none."""
        count = int(original or 0)
        return str({"none": 0, "canary": min(count, 1)}.get(inputs.desired, count))
