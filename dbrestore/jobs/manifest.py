"""The manifests of a Job and of the Secret with what it may know; a pure function of what is to be done.

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbrestore.jobs.settings import Cluster

Body = dict[str, Any]
CONTAINER = "work"
COMMAND = ("python", "-m", "runner")
"""What the image runs; the Dockerfile has it as its entrypoint too."""
RESULT, SCRATCH = "/dev/termination-log", "/tmp"  # noqa: S108 - in the pod, whose root cannot be written
FORMAT = "1"
"""Of what pods are told and tell: raised with every change of it, so that an old image says so."""
SPEC = "reforge/spec"
"""The annotation with the digest of what a Job was made for."""
MANAGED = {"app.kubernetes.io/managed-by": "reforge"}
TEMPORARY, HOPELESS = 75, (1, 2, 3)
"""Exit codes of the work: another try may help (EX_TEMPFAIL of sysexits.h), or none will."""
_TRIES = 4
_KEPT_SECONDS = 86400
"""So long a finished Job stays where nobody came back for it."""
_LONGEST_NAME = 52
"""A pod of a Job bears its name, an index and five letters, in at most 63."""


@dataclass(frozen=True)
class Work:
    """One piece of work: what a Job does, on how many pods."""

    name: str
    """The restore that it is for."""
    verb: str
    """The first word of the command's arguments and the last of the Job's name."""
    step: str
    known: Mapping[str, str]
    """Variables with what it has to know, secrets among them."""
    pods: int = 1
    fresh: bool = False
    """Whether what a finished Job of before has found is too old to count."""

    @property
    def words(self) -> list[str]:
        return [self.verb, self.step] if self.step else [self.verb]

    @property
    def digest(self) -> str:
        """The same for the same work on the same database."""
        return hashlib.sha256(json.dumps(dict(self.known), sort_keys=True).encode()).hexdigest()


def job_name(name: str, verb: str, step: str, target: str) -> str:
    """The same for the same step of a restore, so that a killed run finds its own again.

    ``target`` keeps apart what bears the same name in two stacks.
    """
    tail = "-".join(filter(None, (verb, step, hashlib.sha256(target.encode()).hexdigest()[:8])))
    head = re.sub(r"[^a-z0-9]+", "-", f"reforge-{name}".lower())[: _LONGEST_NAME - len(tail) - 1]
    return f"{head.rstrip('-')}-{tail}"


def secret(name: str, work: Work) -> Body:
    """What the pods get as variables."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in work.known.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": MANAGED, "annotations": {SPEC: work.digest}},
        "type": "Opaque",
        "immutable": True,
        "data": data,
    }


def job(name: str, work: Work, cluster: Cluster) -> Body:
    """An Indexed Job, each of whose pods does the part that JOB_COMPLETION_INDEX says."""
    spec = {
        "completionMode": "Indexed",
        "completions": work.pods,
        "parallelism": min(work.pods, cluster.shards),
        "backoffLimitPerIndex": _TRIES,
        "maxFailedIndexes": 0,
        # A successor comes once its predecessor is over, not while that still ends.
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": _RULES},
        "activeDeadlineSeconds": int(cluster.timeout),
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        "template": {
            "metadata": {"labels": {**MANAGED, "reforge/job": name}},
            "spec": _pod(name, work, cluster),
        },
    }
    metadata = {"name": name, "labels": MANAGED, "annotations": {SPEC: spec_digest(work, cluster)}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def spec_digest(work: Work, cluster: Cluster) -> str:
    """Of all that a Job is made of: one that differs is made anew."""
    return hashlib.sha256(f"{work.digest} {work.pods} {cluster.model_dump_json()}".encode()).hexdigest()


_RULES: list[Body] = [
    # A node that is drained, or needed for something else, says nothing about the work.
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    {
        "action": "FailJob",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [*HOPELESS]},
    },
]


def _pod(name: str, work: Work, cluster: Cluster) -> Body:
    sources = [{"secretRef": {"name": one}} for one in [*cluster.environment_from, name]]
    container = {
        "name": CONTAINER,
        "image": cluster.image,
        "command": [*COMMAND],
        "args": work.words,
        "env": [
            {"name": "REFORGE_RESULT", "value": RESULT},
            {"name": "REFORGE_FORMAT", "value": FORMAT},
            {"name": "REFORGE_CACHE", "value": f"{SCRATCH}/cache"},
        ],
        "envFrom": sources,
        "resources": cluster.resources,
        "terminationMessagePath": RESULT,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    optional = {
        "serviceAccountName": cluster.service_account,
        "nodeSelector": cluster.node_selector,
        "tolerations": cluster.tolerations,
        "imagePullSecrets": [{"name": one} for one in cluster.image_pull_secrets],
    }
    return {
        "restartPolicy": "Never",
        # The pods ask nothing of the cluster. A cloud's token for its own services comes by other mounts.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": cluster.scratch}}],
        **{key: value for key, value in optional.items() if value},
    }
