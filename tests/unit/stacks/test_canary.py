"""The canary: the rules of its settings, and the copy that is made of a deployment."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from dbrestore.kubernetes.pods import CANARY
from problem import Problem
from stacks.canary import faults
from stacks.canary.copying import DATABASE, LABEL, copy_of, share
from stacks.canary.settings import Canary, broken_rules
from stacks.model import parse
from tests.unit.stacks.canaries import COPY, LIVE, PLACE
from tests.unit.stacks.examples import VALIDATED, WAIVED, good, the_line, told

ACCEPTED = {"r": {"from": {"latest": True}, "validated": VALIDATED}}


def config(writing: str = "none", restores: Any = ACCEPTED, **canary: Any) -> dict[str, Any]:
    values = {name.replace("_", "-"): value for name, value in canary.items()}
    wanted = {"deployment": PLACE, "restore": "r", **values}
    return good(writing=writing, restores=restores, canary=wanted)


# The rules


def test_a_canary_is_one_pod_without_requests_that_reads_only() -> None:
    canary = parse(config()).canary
    assert canary is not None
    assert (canary.pods, canary.traffic, canary.writes, canary.variable) == (1, False, False, "DATABASE_URL")


def test_a_deployment_may_stand_there_before_an_incident() -> None:
    canary = parse(good(canary={"deployment": PLACE})).canary
    assert canary is not None
    assert canary.restore is None


@pytest.mark.parametrize(
    ("canary", "words"),
    [
        ({"restore": "q"}, "restore: 'q' is not a restore (allowed: r)"),
        ({"pods": 0}, "pods: input should be greater than or equal to 1"),
        ({"variable": "A B"}, "variable: string should match pattern"),
        ({"deployment": {"name": "api"}}, "deployment.namespace: is missing"),
        ({"weight": 5}, "weight: is not known here"),
        ({"split_writes": WAIVED | {"reason": "ok"}}, "split-writes.reason: string should have at least 10"),
    ],
)
def test_a_wrong_canary_is_refused(canary: dict[str, Any], words: str) -> None:
    assert the_line(config(**canary)).startswith(f"reforge:canary.{words}")


def test_a_canary_tries_what_is_validated_and_does_not_serve_yet() -> None:
    unvalidated = {"r": {"from": {"latest": True}}}
    assert the_line(config(restores=unvalidated)) == (
        "reforge:canary.restore: 'r' is not validated; run `reforge validate r`, "
        "or waive it with a written reason: `reforge validate r --waive REASON`"
    )
    assert the_line(config() | {"serving": "r"}).startswith("reforge:canary.restore: 'r' serves already")
    assert "is not a restore (allowed: none yet)" in the_line(config(restores={}))
    released = {"r": ACCEPTED["r"] | {"release": True, "final-snapshot": "none"}}
    [line] = broken_rules(config(restores=released))
    assert "'r' is released, to be torn down" in line


def test_requests_or_writes_without_a_restore_have_no_meaning() -> None:
    line = the_line(good(canary={"deployment": PLACE, "traffic": True}))
    words = "`traffic`, `writes` and `split-writes` have no meaning without `restore`"
    assert line == f"reforge:canary: {words}"


@pytest.mark.parametrize("writing", ["all", "canary"])
def test_requests_need_paused_writers_or_somebody_who_accepts_that_the_two_part(writing: str) -> None:
    line = the_line(config(writing, traffic=True))
    assert line.startswith("reforge:canary.traffic: writers still change what serves")
    assert "`reforge cutover r --canary --traffic --accept split-writes --reason REASON`" in line
    parse(config("none", traffic=True))
    parse(config(writing, traffic=True, split_writes=WAIVED))
    parse(config(writing))


@pytest.mark.parametrize("writing", ["all", "none"])
def test_a_canary_that_writes_is_accepted_in_writing(writing: str) -> None:
    assert the_line(config(writing, writes=True)).startswith(
        "reforge:canary.writes: what the canary writes to r is not in what serves"
    )
    parse(config(writing, writes=True, split_writes=WAIVED))


@pytest.mark.parametrize("canary", ["api", ["api"], 7, {"restore": ["r"]}])
def test_what_is_no_canary_at_all_is_told(canary: Any) -> None:
    assert any(line.startswith("reforge:canary") for line in told(good(canary=canary)))


# The copy


def canary(**more: Any) -> Canary:
    return Canary.model_validate({"deployment": PLACE, "restore": "r", **more})


def test_all_that_a_pod_is_made_of_stays_but_for_its_database() -> None:
    live = deepcopy(LIVE)
    copy = copy_of(live, canary())
    assert live == LIVE, "what was read is not changed"
    assert copy["metadata"] == {"name": COPY, "namespace": "starforge", "labels": {LABEL: COPY}}
    assert copy["spec"]["replicas"] == 1
    assert copy["spec"]["minReadySeconds"] == 5
    assert copy["spec"]["progressDeadlineSeconds"] == 300
    pod, before = copy["spec"]["template"]["spec"], LIVE["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "api"
    app, proxy = pod["containers"]
    assert proxy == before["containers"][1]
    assert {**app, "env": None} == {**before["containers"][0], "env": None}
    url = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": COPY, "key": "DATABASE_URL"}}}
    ours = [url, {"name": "PGAPPNAME", "value": COPY}]
    assert app["env"] == [
        *ours,  # first, so that READ_URL is made of it
        {"name": "PORT", "value": "8080"},
        {"name": "READ_URL", "value": "$(DATABASE_URL)"},
    ]
    assert pod["initContainers"][0]["env"] == ours, "a migration would else run on what serves"


def test_nothing_selects_its_pods_until_they_take_requests() -> None:
    quiet, taking = copy_of(LIVE, canary()), copy_of(LIVE, canary(traffic=True, pods=2))
    assert quiet["spec"]["template"]["metadata"]["labels"] == {LABEL: COPY}
    assert taking["spec"]["template"]["metadata"]["labels"] == {LABEL: COPY, "app": "api", "tier": "web"}
    assert quiet["spec"]["selector"] == taking["spec"]["selector"] == {"matchLabels": {LABEL: COPY}}
    assert taking["spec"]["replicas"] == 2


def test_its_label_is_the_one_by_which_the_plugin_passes_its_pods_by() -> None:
    assert LABEL == CANARY


@pytest.mark.parametrize(
    ("more", "used"), [({}, "r, read-only"), ({"writes": True}, "r"), ({"restore": "q"}, "q, read-only")]
)
def test_new_pods_come_when_what_they_use_changes(more: dict[str, Any], used: str) -> None:
    annotations = copy_of(LIVE, canary(**more))["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", DATABASE: used}


def test_a_label_is_no_longer_than_kubernetes_takes() -> None:
    place = {"namespace": "starforge", "name": "a" * 62 + "-b"}
    [label] = copy_of(LIVE, canary(deployment=place))["metadata"]["labels"].values()
    assert label == "a" * 62


def test_a_whole_secret_as_variables_may_hold_it_and_is_overruled() -> None:
    live = deepcopy(LIVE)
    whole = [{"secretRef": {"name": "api"}}]
    live["spec"]["template"]["spec"] = {"containers": [{"name": "app", "envFrom": whole}]}
    [app] = copy_of(live, canary())["spec"]["template"]["spec"]["containers"]
    assert app["envFrom"] == whole
    assert app["env"][0]["name"] == "DATABASE_URL"


def test_a_deployment_that_is_not_given_the_variable_is_refused() -> None:
    with pytest.raises(Problem, match=r"No container of deployment api .* is given URL") as caught:
        copy_of(LIVE, canary(variable="URL"))
    assert caught.value.name == "canary-variable-missing"
    assert "kubectl -n starforge set env deployment/api --list" in caught.value.cure


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, f"{COPY} gets no requests: no Service selects its pods."),
        ({"traffic": True}, f"{COPY} gets about 25 % of the requests: 1 of 4 pods."),
        ({"traffic": True, "pods": 3}, f"{COPY} gets about 50 % of the requests: 3 of 6 pods."),
    ],
)
def test_its_weight_is_told(more: dict[str, Any], words: str) -> None:
    assert share(LIVE, canary(**more)) == words


# What the provider says


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f'"starforge/{COPY}" failed to fully initialize or become live', "canary-not-ready"),
        (f"'{COPY}' timed out waiting to be Ready", "canary-not-ready"),
        ('"starforge/api" failed to fully initialize or become live', None),
        (f"deployments.apps {COPY} is forbidden", None),
    ],
)
def test_a_canary_that_does_not_get_ready_has_a_name(text: str, name: str | None) -> None:
    found = faults.named(text)
    assert (found and found.name) == name
