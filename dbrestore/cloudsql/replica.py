"""A read replica as Cloud SQL tells of it, and its promotion.

https://cloud.google.com/sql/docs/postgres/replication/manage-replicas#promote-replica
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dbrestore.gcp.api import Api, NotThere
from dbrestore.handler import Context
from problem import Problem, Refusal

PROMOTION_SECONDS = 3600
"""The time-box: minutes as a rule, and longer where much WAL is left to replay."""
PAUSE_SECONDS = 5.0
_BACKUPS = (
    *("enabled", "startTime", "location", "pointInTimeRecoveryEnabled"),
    *("transactionLogRetentionDays", "backupRetentionSettings"),
)
_LOOK = "See what it says: gcloud sql operations list --instance="


@dataclass(frozen=True)
class Replica:
    """What is asked of Cloud SQL about one instance; only ``promote`` and ``settle`` change it."""

    name: str
    source: str
    project: str

    def look(self) -> dict[str, Any]:
        """Its record in the words of the Admin API; Refusal ``cloudsql-replica-missing``."""
        try:
            return self._instance(self.name)
        except NotThere:
            what = f"There is no instance {self.name} in {self.project}."
            cure = "`reforge sources` lists the read replicas."
            raise Refusal("cloudsql-replica-missing", what, cure) from None

    def require_promotable(self, found: dict[str, Any]) -> None:
        """Refusal ``cloudsql-replica-unfit`` where it is not the original's, or does not run."""
        follows = str(found["masterInstanceName"]).rpartition(":")[2]
        if follows != self.source:
            what = f"{self.name} is a read replica of {follows}, not of {self.source}."
            raise Refusal(
                "cloudsql-replica-unfit", what, "Name one of the original's own: `reforge sources`."
            )
        if found["state"] != "RUNNABLE":
            what = f"{self.name} cannot be promoted as it is: {found['state']}."
            raise Refusal("cloudsql-replica-unfit", what, "Mend it, or take another way to restore.")

    def begun(self, found: dict[str, Any]) -> bool:
        """Whether a promotion of it is still at work."""
        last = self._last_promotion()
        return last is not None and last["status"] != "DONE"

    def promote(self, found: dict[str, Any], context: Context) -> dict[str, Any]:
        """Make it an instance of its own, and wait until it is.

        Problem ``cloudsql-promotion-stuck`` after an hour, ``cloudsql-promotion-failed`` where it fails.
        """
        asked = self._door.api.instances().promoteReplica(project=self.project, instance=self.name)
        self._door.ask(asked, f"the promotion of {self.name}", again=False)
        context.progress(f"{self.name} is being promoted")
        return self.wait(context)

    def wait(self, context: Context, now: Callable[[], float] = time.monotonic) -> dict[str, Any]:
        """Until it replicates nothing and runs; Cloud SQL answers the call long before."""
        end = now() + PROMOTION_SECONDS
        while now() < end:
            found = self.look()
            if found["state"] == "RUNNABLE" and not is_replica(found):
                return found
            last = self._last_promotion()
            if last and last.get("error"):
                told = "; ".join(str(one.get("message")) for one in last["error"].get("errors", []))
                what = f"The promotion of {self.name} failed: {told}"
                raise Problem("cloudsql-promotion-failed", what, f"{_LOOK}{self.name}")
            context.progress(f"{self.name} is being promoted ({found['state']})")
            if context.cancelled.wait(PAUSE_SECONDS):
                what = f"The promotion of {self.name} goes on in Cloud SQL; it cannot be taken back."
                raise Problem("interrupted", what, "Run the same command again: it waits on.")
        what = (
            f"{self.name} is not promoted after {PROMOTION_SECONDS // 60} minutes; Cloud SQL goes on with it."
        )
        raise Problem(
            "cloudsql-promotion-stuck", what, f"{_LOOK}{self.name}; then run the same command again."
        )

    def settle(self, found: dict[str, Any], context: Context) -> dict[str, Any]:
        """Give it the original's backups: a promoted replica has none of its own."""
        if found["settings"].get("backupConfiguration", {}).get("enabled"):
            return found
        theirs = self._instance(self.source)["settings"].get("backupConfiguration", {})
        if not theirs.get("enabled"):
            return found
        wanted = {name: theirs[name] for name in _BACKUPS if name in theirs}
        body = {"settings": {"backupConfiguration": wanted}}
        asked = self._door.api.instances().patch(project=self.project, instance=self.name, body=body)
        self._door.ask(asked, f"the backups of {self.name}")
        context.progress(f"{self.name} gets backups as {self.source} has them")
        return self.look()

    def _instance(self, name: str) -> dict[str, Any]:
        asked = self._door.api.instances().get(project=self.project, instance=name)
        return self._door.ask(asked, f"the instance {name}")

    def _last_promotion(self) -> dict[str, Any] | None:
        asked = self._door.api.operations().list(project=self.project, instance=self.name)
        found = self._door.ask(asked, f"the operations on {self.name}").get("items", [])
        return next((one for one in found if one["operationType"] == "PROMOTE_REPLICA"), None)

    @cached_property
    def _door(self) -> Api:
        return Api("sqladmin")


def is_replica(found: Mapping[str, Any]) -> bool:
    """Whether it still follows another instance."""
    return bool(found.get("masterInstanceName"))
