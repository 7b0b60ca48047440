"""``dbrestore:kubernetes:Scale``: how many replicas of a Deployment or StatefulSet run."""

from __future__ import annotations

from typing import Any, Literal

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.fights import check_unfought, refuse_fights
from dbrestore.kubernetes.kinds import DEPLOYMENT, STATEFUL_SET, Found, Kind
from dbrestore.kubernetes.originals import Levels
from dbrestore.kubernetes.pods import gone, ready
from dbrestore.kubernetes.writer import Work, Writer, WriterInputs

_KINDS = {"deployment": DEPLOYMENT, "stateful-set": STATEFUL_SET}


class ScaleInputs(WriterInputs):
    """See ``WriterInputs``."""

    kind: Literal["deployment", "stateful-set"]
    replicas: int | None = None
    """What all means; None: as many as there were."""


class Scale(Writer):
    """See ``ScaleInputs`` and ``Writer``. A workload that had no replicas gets none as a canary either."""

    resource_type = "dbrestore:kubernetes:Scale"
    inputs = ScaleInputs

    def kind(self, inputs: ScaleInputs) -> Kind:
        return _KINDS[inputs.kind]

    def levels(self, api: Api, found: Found) -> Levels:
        return replicas_of(found)

    def wanted(self, inputs: ScaleInputs, original: Levels) -> Levels:
        whole = original["replicas"] if inputs.replicas is None else inputs.replicas
        return {"replicas": {"all": whole, "canary": min(1, whole), "none": 0}[inputs.desired]}

    def patch(self, wanted: Levels) -> dict[str, Any]:
        return {"spec": wanted}

    def admit(self, work: Work, found: Found) -> None:
        if work.inputs.desired != "all":
            count = self.wanted(work.inputs, work.original)["replicas"]
            refuse_fights(work.api, found, count, work.inputs.timeout)

    def settle(self, work: Work, found: Found) -> None:
        settle(work, found, self.wanted(work.inputs, work.original)["replicas"])


def replicas_of(workload: Found) -> Levels:
    """Its replicas; a manifest without any means 1."""
    return {"replicas": int(workload.at("spec", "replicas", default=1))}


def settle(work: Work, workload: Found, count: int) -> None:
    """Wait until exactly no pods, or as many ready ones as wanted, are there."""
    if count == 0 and work.inputs.desired == "all":
        return  # it had none before: whether it gets some is no longer ours to say
    if count == 0:
        gone(work.api, workload, work.inputs.timeout, lambda: check_unfought(work.api, workload, 0))
    else:
        ready(work.api, workload, count, work.inputs.timeout)
