"""What an autoscaler scales."""

from __future__ import annotations

from dbrestore.kubernetes.api import Api
from dbrestore.kubernetes.kinds import SCALED, Found
from problem import Problem


def target_of(api: Api, scaler: Found) -> Found:
    """The workload that an HPA or a ScaledObject names. Problem "target-not-scalable" for other kinds."""
    target = scaler.at("spec", "scaleTargetRef", default={})
    kind = str(target.get("kind") or "Deployment")
    if kind not in SCALED:
        what = f"The {scaler.where} scales a {kind}, and only {' and '.join(SCALED)} can be paused here."
        cure = "Pause that by its own means, and take this writer out of the config."
        raise Problem("target-not-scalable", what, cure)
    return api.get(SCALED[kind], scaler.namespace, str(target.get("name")))
