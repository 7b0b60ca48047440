"""``reforge validate NAME`` where the config has a runner: a Job finds it, and the command records it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functional.cli.conftest import Database, played, project, reforge, restored, server, source
from tests.functional.kubernetes.cluster import Cluster
from tests.functional.runner.test_loads import left_nothing
from tests.support.kubelet.node import IMAGE, Node
from tests.unit.cli.conftest import Reforge

__all__ = ["played", "project", "reforge", "restored", "server", "source"]
pytestmark = [pytest.mark.slow, pytest.mark.clouds]
SUITE = "name: mine\nchecks:\n- connectivity\n- row-counts: {tables: {users: {exactly: 20}}}\n"


def report(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())["finding"]
    return found


def test_a_restore_is_validated_by_pods_and_the_config_has_the_proof(
    reforge: Reforge, project: Path, source: Database, restored: Database, cluster: Cluster, at_work: Node
) -> None:
    (project / "mine.yaml").write_text(SUITE)
    here = reforge("--json", "validate", "before", "--suite", "mine.yaml").document
    file = project / "Pulumi.local.yaml"
    file.write_text(
        file.read_text()
        + f"  reforge:runner:\n    kubernetes: {{namespace: {cluster.namespace}, image: {IMAGE}}}\n"
    )
    near = reforge("--json", "validate", "before", "--suite", "mine.yaml", "--yes").document
    assert report(near["report"])["checks"] == report(here["report"])["checks"]
    assert len(at_work.jobs.made) == 1
    [container] = at_work.kubelet.containers.values()
    assert container.spec["env"]["REFORGE_TARGET_URL"] == restored.url
    assert f"digest: {near['digest']}" in file.read_text()
    assert left_nothing(cluster)


def test_a_job_that_cannot_start_leaves_the_restore_as_it_was(
    reforge: Reforge, project: Path, source: Database, restored: Database, cluster: Cluster, at_work: Node
) -> None:
    file = project / "Pulumi.local.yaml"
    runner = f"{{namespace: {cluster.namespace}, image: nothing, start-timeout: 2}}"
    file.write_text(file.read_text() + f"  reforge:runner:\n    kubernetes: {runner}\n")
    before = file.read_text()
    ended = reforge("--json", "validate", "before", "--yes", expect=1)
    assert ended.document["error"]["name"] == "runner-image-missing"
    assert file.read_text() == before
    assert left_nothing(cluster)
