"""A Job's manifests: what the pods may do, and where secrets stand."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from dbrestore.jobs.manifest import SPEC, Work, job, job_name, secret
from dbrestore.jobs.settings import Cluster

KNOWN = {"namespace": "reforge", "image": "registry.invalid/reforge:1"}
WORK = Work("before-accident", "load", "data", {"REFORGE_TARGET_URL": "postgresql://a:hunter22@h/d"}, 8)


def cluster(**settings: Any) -> Cluster:
    return Cluster.model_validate(KNOWN | settings)


def pod(work: Work = WORK, **settings: Any) -> dict[str, Any]:
    spec: dict[str, Any] = job("n", work, cluster(**settings))["spec"]["template"]["spec"]
    return spec


def test_only_the_secret_knows_the_password() -> None:
    assert "hunter22" not in json.dumps(job("n", WORK, cluster()))
    data = secret("n", WORK)["data"]
    assert base64.b64decode(data["REFORGE_TARGET_URL"]).decode() == "postgresql://a:hunter22@h/d"


def test_a_pod_may_as_little_as_its_work_needs() -> None:
    spec = pod()
    [container] = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["restartPolicy"] == "Never", "podFailurePolicy takes no other"


def test_as_many_pods_as_shards_work_at_a_time_and_each_may_fail_for_itself() -> None:
    spec = job("n", WORK, cluster(shards=3))["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 8, 3)
    assert spec["podReplacementPolicy"] == "Failed", "two pods of one index would be at work at once"
    ignored, hopeless = spec["podFailurePolicy"]["rules"]
    assert ignored["action"] == "Ignore"
    assert ignored["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert hopeless["onExitCodes"]["values"] == [1, 2, 3]
    assert spec["ttlSecondsAfterFinished"] > 0


def test_what_the_config_says_reaches_the_pod() -> None:
    spec = pod(
        service_account="reader", environment_from=["s3"], image_pull_secrets=["registry"],
        node_selector={"pool": "restore"}, tolerations=[{"key": "spot"}], scratch="50Gi",
    )  # fmt: skip
    assert spec["serviceAccountName"] == "reader"
    assert spec["containers"][0]["envFrom"] == [{"secretRef": {"name": "s3"}}, {"secretRef": {"name": "n"}}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["nodeSelector"] == {"pool": "restore"}
    assert spec["tolerations"] == [{"key": "spot"}]
    assert spec["volumes"] == [{"name": "scratch", "emptyDir": {"sizeLimit": "50Gi"}}]


def test_without_it_the_cluster_decides() -> None:
    assert not {"serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets"} & pod().keys()


@pytest.mark.parametrize("name", ["r", "before-accident", "x" * 63, "a-" * 31 + "b"])
def test_a_name_is_the_same_each_time_and_leaves_room_for_index_and_pod(name: str) -> None:
    found = job_name(name, "load", "objects", "db.internal/starforge")
    assert found == job_name(name, "load", "objects", "db.internal/starforge")
    assert found != job_name(name, "load", "objects", "other.internal/starforge")
    assert len(found) <= 52
    assert found.endswith(job_name("r", "load", "objects", "db.internal/starforge")[-8:])
    assert "--" not in found


def test_other_work_or_another_image_is_another_job() -> None:
    def digest(work: Work, **settings: Any) -> str:
        return str(job("n", work, cluster(**settings))["metadata"]["annotations"][SPEC])

    same = digest(WORK)
    assert digest(WORK) == same
    assert digest(WORK, image="registry.invalid/reforge:2") != same
    assert digest(Work("before-accident", "load", "data", {"REFORGE_TARGET_URL": "other"}, 8)) != same
