"""What would raise an ECS service again that is scaled down: its own autoscaling.

A target below its minimum is brought back to it by the next scaling activity
(https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbrestore.aws.api import answered, client
from problem import Refusal

_RAISING = ("DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def require_no_fight(cluster: str, service: str, region: str | None, count: int) -> None:
    """Refusal "autoscaling-fights" where a scaling that is not suspended has a minimum above ``count``."""
    resource = f"service/{cluster.rpartition('/')[2]}/{service}"
    with answered(f"the autoscaling of the service {service}"):
        asked = {"ServiceNamespace": "ecs", "ResourceIds": [resource]}
        found = client("application-autoscaling", region).describe_scalable_targets(**asked)
    if any(one["MinCapacity"] > count and not _suspended(one) for one in found["ScalableTargets"]):
        what = f"The autoscaling of the service {service} would raise it above {count} tasks again."
        raise Refusal("autoscaling-fights", what, _cure(resource))


def _suspended(target: Mapping[str, Any]) -> bool:
    state = target.get("SuspendedState") or {}
    return all(state.get(name) for name in _RAISING)


def _cure(resource: str) -> str:
    suspended = ",".join(f"{name}=true" for name in _RAISING)
    return (
        "Suspend it, then run the same command again; after the incident the same with =false:\n"
        "aws application-autoscaling register-scalable-target --service-namespace ecs "
        f"--scalable-dimension ecs:service:DesiredCount --resource-id {resource} "
        f"--suspended-state {suspended}"
    )
