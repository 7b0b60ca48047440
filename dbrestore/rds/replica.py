"""A read replica as RDS tells of it, and its promotion.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html#USER_ReadRepl.Promote
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from dbrestore.aws.api import answered, client, code_of
from dbrestore.handler import Context
from problem import Problem, Refusal

PROMOTION_SECONDS = 3600
"""The time-box: RDS speaks of minutes, and of longer where much WAL is left to replay."""
PAUSE_SECONDS = 5.0
_PASSING = {
    *("backing-up", "maintenance", "modifying", "rebooting", "starting", "upgrading"),
    *("configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports"),
    *("converting-to-vpc", "moving-to-vpc", "resetting-master-credentials"),
    *("storage-config-upgrade", "storage-initialization", "storage-optimization"),
}
"""What RDS is at work on and ends by itself; a replica that is backed up cannot be promoted meanwhile.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
"""
_FAILED = {"failed", "incompatible-parameters", "incompatible-restore", "storage-full"}

_NOT_ASKED = "its promotion was not asked for in this run."


@dataclass(frozen=True)
class Replica:
    """What is asked of RDS about one instance; only ``promote`` changes it."""

    name: str
    source: str
    region: str

    def look(self) -> dict[str, Any]:
        """Its record in the words of the RDS API; Refusal ``rds-replica-missing``."""
        try:
            with answered(f"the read replica {self.name}"):
                return self._described()
        except LookupError:
            what = f"There is no DB instance {self.name} in {self.region}."
            raise Refusal("rds-replica-missing", what, "`reforge sources` lists the read replicas.") from None

    def _described(self) -> dict[str, Any]:
        try:
            found = self._client.describe_db_instances(DBInstanceIdentifier=self.name)
        except ClientError as error:
            if code_of(error).startswith("DBInstanceNotFound"):
                raise LookupError(self.name) from None
            raise
        return dict(found["DBInstances"][0])

    def require_promotable(self, found: dict[str, Any]) -> None:
        """Refusal ``rds-replica-unfit`` where it is not the original's, or not well.

        How it is shows only once RDS is done with what it is at: that may be its promotion.
        """
        follows = str(found["ReadReplicaSourceDBInstanceIdentifier"]).rpartition(":")[2]
        if follows != self.source:
            what = f"{self.name} is a read replica of {follows}, not of {self.source}."
            raise Refusal("rds-replica-unfit", what, "Name one of the original's own: `reforge sources`.")
        if self.begun(found):
            return
        broken = [one for one in found.get("StatusInfos", []) if not one.get("Normal", True)]
        if broken or found["DBInstanceStatus"] != "available":
            why = (
                "; ".join(one.get("Message") or one["Status"] for one in broken) or found["DBInstanceStatus"]
            )
            what = f"{self.name} cannot be promoted as it is: {why}."
            raise Refusal("rds-replica-unfit", what, "Mend its replication, or take another way to restore.")

    def begun(self, found: dict[str, Any]) -> bool:
        """Whether RDS is at work on it: for a run before this one, or a backup or a change of somebody's."""
        return found["DBInstanceStatus"] in _PASSING

    def settle(self, found: dict[str, Any], context: Context) -> dict[str, Any]:
        """Nothing: the promotion turned its backups on."""
        return found

    def promote(
        self, found: dict[str, Any], context: Context, now: Callable[[], float] = time.monotonic
    ) -> dict[str, Any]:
        """Make it an instance of its own, with backups, and wait until it is.

        Problem ``rds-promotion-stuck`` after an hour, ``rds-promotion-failed`` where it ends otherwise.
        """
        kept = found.get("BackupRetentionPeriod") or self._retention()
        with answered(f"the promotion of {self.name}"):
            self._client.promote_read_replica(DBInstanceIdentifier=self.name, BackupRetentionPeriod=kept)
        context.progress(f"{self.name} is being promoted")
        return self._available(context, now, asked=True)

    def wait(self, context: Context, now: Callable[[], float] = time.monotonic) -> dict[str, Any]:
        """Until RDS is done with it: promoted where an earlier run has asked for that, else a replica still.

        Problems as with ``promote``.
        """
        return self._available(context, now, asked=False)

    def _available(self, context: Context, now: Callable[[], float], *, asked: bool) -> dict[str, Any]:
        """Until RDS is done with it.

        Where this run has ``asked`` for its promotion, until it replicates nothing: RDS answers long before.
        """
        end, status = now() + PROMOTION_SECONDS, ""
        while now() < end:
            found = self.look()
            status = found["DBInstanceStatus"]
            if self._over(found, asked=asked):
                return found
            if status in _FAILED:
                what = f"The promotion of {self.name} ended in {status}."
                raise Problem("rds-promotion-failed", what, "Look at its events: aws rds describe-events")
            context.progress(f"{self.name} is {status}")
            if context.cancelled.wait(PAUSE_SECONDS):
                goes_on = f"The promotion of {self.name} goes on in RDS; it cannot be taken back."
                what = goes_on if asked else f"{self.name} is {status}; {_NOT_ASKED}"
                raise Problem("interrupted", what, "Run the same command again: it waits on.")
        minutes = PROMOTION_SECONDS // 60
        goes_on = f"{self.name} is not promoted after {minutes} minutes; RDS goes on with it."
        what = goes_on if asked else f"{self.name} is still {status} after {minutes} minutes; {_NOT_ASKED}"
        raise Problem("rds-promotion-stuck", what, "Look at its events, then run the same command again.")

    def _over(self, found: dict[str, Any], *, asked: bool) -> bool:
        """Whether there is nothing to wait for; one that is a replica then is judged anew."""
        if is_replica(found):
            return not asked and not self.begun(found)
        return bool(found["DBInstanceStatus"] == "available")

    def _retention(self) -> int:
        """The days that the original's backups are kept; a replica often has none of its own."""
        with answered(f"the original {self.source}"):
            found = self._client.describe_db_instances(DBInstanceIdentifier=self.source)["DBInstances"]
        return int(found[0]["BackupRetentionPeriod"])

    @property
    def _client(self) -> Any:
        return client("rds", self.region)


def is_replica(found: Mapping[str, Any]) -> bool:
    """Whether it still follows another instance."""
    return bool(found.get("ReadReplicaSourceDBInstanceIdentifier"))
