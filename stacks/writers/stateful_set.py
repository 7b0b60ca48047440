"""A StatefulSet on Kubernetes: no replicas, one as a canary, or as many as there were."""

from __future__ import annotations

from typing import ClassVar

from stacks.clusters import ScaledWriter


class Settings(ScaledWriter):
    """``stateful-set: {namespace: starforge, name: consumer}``"""

    KIND: ClassVar = "stateful-set"
