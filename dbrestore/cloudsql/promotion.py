"""``dbrestore:cloudsql:Promotion``: a read replica of the original that is promoted at the cut-over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from dbrestore import promotions
from dbrestore.cloudsql.replica import Replica, is_replica

PORT = 5432
"""Of every instance of Cloud SQL for PostgreSQL."""


class PromotionInputs(promotions.PromotionInputs):
    """``replica`` and ``source`` are instance IDs of the project."""

    project: str
    address: Literal["PRIMARY", "PRIVATE"]
    """Of which kind its host is, public or private."""

    @property
    def instance(self) -> Replica:
        return Replica(self.replica, self.source, self.project)


class Promotion(promotions.PromotionHandler):
    """A promotion in Cloud SQL."""

    resource_type = "dbrestore:cloudsql:Promotion"
    inputs = PromotionInputs
    fixed: ClassVar[Mapping[str, str]] = {
        **promotions.PromotionHandler.fixed,
        "project": promotions.PromotionHandler.fixed["source"],
    }
    where = "Cloud SQL"

    def is_replica(self, found: promotions.Record) -> bool:
        return is_replica(found)

    def place(self, inputs: Any, found: promotions.Record) -> tuple[str | None, int | None]:
        addresses = {one["type"]: one["ipAddress"] for one in found.get("ipAddresses", [])}
        return addresses.get(inputs.address), PORT
