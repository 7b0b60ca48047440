"""A canary on the real engine and a real API server: made, given requests, replaced by the cut-over."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.failures import explained
from stacks.canary.copying import LABEL
from tests.functional.kubernetes.cluster import ROOT, Body, Cluster, documented_role, workload
from tests.functional.kubernetes.controller import Controller, controlled
from tests.functional.kubernetes.test_engine import NEW, OLD
from tests.support.pulumi_project import REPOSITORY, PulumiProject

pytestmark = [pytest.mark.slow, pytest.mark.clouds]
COPY = "api-reforge-canary"
PROVIDER = REPOSITORY / "tests/support/applying"
PROGRAM = """
from stacks.canary import resources
from stacks.canary.settings import Canary
from stacks.endpoints import Target
from stacks.kinds import load

def target(name, url):
    return Target(name, pulumi.Output.secret(url), pulumi.Output.from_input("h"), pulumi.Output.from_input(1))

serving = target({serving!r}, {url!r})
secret = {{"namespace": {namespace!r}, "name": "api", "timeout": 20}}
api = load("stacks.endpoints", "kubernetes-secret").Settings.model_validate(secret)
api.declare(serving, pulumi.ResourceOptions())
canary = {canary!r}
if canary:
    resources.declare(Canary.model_validate(canary), target("r", {new!r}), [])
"""


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulumiProject]:
    """With a deployment that has three pods, and reads its connection string from a Secret."""
    monkeypatch.setenv("ECHO_CALLS", str(tmp_path / "calls.jsonl"))
    cluster.allow({**documented_role(), "rules": documented_role()["rules"] + rules_for_a_canary()})
    cluster.make("Secret", "api", data={"DATABASE_URL": base64.b64encode(OLD.encode()).decode()})
    reference = {"secretKeyRef": {"name": "api", "key": "DATABASE_URL"}}
    variables = [{"name": "DATABASE_URL", "valueFrom": reference}, {"name": "PORT", "value": "8080"}]
    cluster.make("Deployment", "api", spec=workload("api", 3, env=variables))
    with controlled(cluster, "api"):
        yield PulumiProject(tmp_path / "project").make(REPOSITORY / "dbrestore", kubernetes=PROVIDER)


@pytest.fixture
def pods(cluster: Cluster, project: PulumiProject) -> Iterator[Controller]:
    """In place of the controllers of the copy."""
    with controlled(cluster, COPY) as controller:
        yield controller


def rules_for_a_canary() -> list[Body]:
    text = (ROOT / "docs/clouds/kubernetes.md").read_text().partition("### What it may do besides")[2]
    rules: list[Body] = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    return rules


def declare(project: PulumiProject, cluster: Cluster, serving: str = "source", **canary: Any) -> None:
    deployment = {"namespace": cluster.namespace, "name": "api", "timeout": 20}
    wanted = {"deployment": deployment, "restore": "r", **canary} if canary.pop("there", True) else {}
    url = OLD if serving == "source" else NEW
    values = {"serving": serving, "url": url, "namespace": cluster.namespace, "canary": wanted, "new": NEW}
    project.program(PROGRAM.format(**values))


def up(project: PulumiProject, cluster: Cluster, serving: str = "source", **canary: Any) -> str:
    declare(project, cluster, serving, **canary)
    return project.run("preview", "--diff").ok() + project.run("up", "--yes", "--diff").ok()


def calls(tmp_path: Path) -> list[tuple[str, str]]:
    """What the stand-in of pulumi-kubernetes was asked to change."""
    found = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    return [(one["operation"], one["name"].rpartition("/")[2]) for one in found]


def test_an_application_moves_by_a_canary_and_the_deployment_is_patched_by_the_cutover_alone(
    cluster: Cluster, project: PulumiProject, pods: Controller, tmp_path: Path
) -> None:
    said = up(project, cluster, there=False)
    before = cluster.get("Deployment", "api")

    said += up(project, cluster)
    [pod] = [one for one in cluster.all("Pod") if LABEL in one["metadata"]["labels"]]
    assert pod["metadata"]["labels"] == {LABEL: COPY}, "nothing selects it"
    variables = {one["name"]: one for one in pod["spec"]["containers"][0]["env"]}
    assert variables["DATABASE_URL"]["valueFrom"]["secretKeyRef"]["name"] == COPY
    assert variables["PGAPPNAME"]["value"] == COPY
    given = cluster.get("Secret", COPY)["data"]
    port = variables["PORT"]["valueFrom"]["secretKeyRef"]
    assert (port["name"], base64.b64decode(given[port["key"]])) == (COPY, b"8080")
    url = base64.b64decode(given["DATABASE_URL"]).decode()
    assert url.startswith(f"{NEW}?application_name={COPY}&options=-c%20default_transaction_read_only")

    said += up(project, cluster, traffic=True, pods=2)
    both = [one for one in cluster.all("Pod") if one["metadata"]["labels"].get("app") == "api"]
    canaries = [one for one in both if LABEL in one["metadata"]["labels"]]
    assert (len(both), len(canaries)) == (5, 2), "a Service that selects app=api has two of five pods"
    after = cluster.get("Deployment", "api")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    changed = cluster.server.changes("reforge", cluster.namespace)
    assert changed
    assert not [one for one in changed if not one[1].endswith((f"/{COPY}", "/"))], changed

    said += up(project, cluster, "r", there=False)
    assert base64.b64decode(cluster.get("Secret", "api")["data"]["DATABASE_URL"]).decode() == NEW
    assert cluster.find("Deployment", COPY) is None
    assert cluster.find("Secret", COPY) is None
    assert ("patch", "deployments/api") in cluster.server.changes("reforge", cluster.namespace)
    assert "hunter2" not in said
    assert "hunter2" not in project.state()[""]
    names = {name for _, name in calls(tmp_path)}
    assert names == {"api", "api#DATABASE_URL"}
    assert f"{COPY} gets about 40 % of the requests: 2 of 5 pods." in said


def test_a_canary_that_does_not_get_ready_is_named_gone_on_with_and_taken_away(
    cluster: Cluster, project: PulumiProject, pods: Controller
) -> None:
    up(project, cluster, there=False)
    pods.unready = "CrashLoopBackOff"
    deployment = {"namespace": cluster.namespace, "name": "api", "timeout": 2}
    declare(project, cluster, deployment=deployment)
    said = project.run("up", "--yes").failed()
    assert explained_of(said) == "canary-not-ready"
    assert cluster.find("Deployment", COPY) is not None, "it is there to be looked at"
    pods.unready = ""
    for pod in cluster.all("Pod"):
        if LABEL in pod["metadata"]["labels"]:
            cluster.remove("Pod", pod["metadata"]["name"])
    up(project, cluster)
    up(project, cluster, there=False)
    assert cluster.find("Deployment", COPY) is None
    assert base64.b64decode(cluster.get("Secret", "api")["data"]["DATABASE_URL"]).decode() == OLD


def explained_of(said: str) -> str:
    from cli.events import Outcome

    [words] = [part for part in said.split("error: ") if "timed out waiting" in part][:1]
    return explained(said, "test", Outcome(errors=[words])).name


def test_a_deployment_that_is_not_there_or_may_not_be_read_is_named(
    cluster: Cluster, project: PulumiProject
) -> None:
    missing = {"namespace": cluster.namespace, "name": "apy"}
    declare(project, cluster, deployment=missing)
    assert "There is no deployment apy" in project.run("preview").failed()
    declare(project, cluster, deployment=missing | {"namespace": "kube-system"})
    said = project.run("preview").failed()
    assert "Kubernetes forbids to read the deployment apy in namespace kube-system" in said
