"""``dbrestore:rds:Promotion``: a read replica of the original that is promoted at the cut-over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dbrestore import promotions
from dbrestore.rds.replica import Replica, is_replica


class PromotionInputs(promotions.PromotionInputs):
    """``replica`` and ``source`` are DB instance identifiers."""

    region: str

    @property
    def instance(self) -> Replica:
        return Replica(self.replica, self.source, self.region)


class Promotion(promotions.PromotionHandler):
    """A promotion in RDS."""

    resource_type = "dbrestore:rds:Promotion"
    inputs = PromotionInputs
    fixed: ClassVar[Mapping[str, str]] = {
        **promotions.PromotionHandler.fixed,
        "region": promotions.PromotionHandler.fixed["source"],
    }
    where = "RDS"

    def is_replica(self, found: promotions.Record) -> bool:
        return is_replica(found)

    def place(self, inputs: Any, found: promotions.Record) -> tuple[str | None, int | None]:
        at = found.get("Endpoint") or {}
        return at.get("Address"), at.get("Port")
