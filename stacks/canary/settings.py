"""What the config says of the canary, and the rules between it and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from stacks.clusters import InCluster
from stacks.messages import PREFIX
from stacks.restores import Waived, is_released, why_not
from stacks.values import RestoreName, Strict

SUFFIX = "-reforge-canary"
OF_AN_INCIDENT = ("restore", "pods", "traffic", "writes", "split-writes")
"""What is taken out when the canary goes; which deployment it is of stays for the next incident."""


class Canary(Strict):
    """A deployment to try a restore with. There is a canary while ``restore`` names one."""

    deployment: InCluster = Field(description="the deployment that is copied: it is read and never changed")
    variable: str = Field(
        "DATABASE_URL",
        pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$",
        description="the environment variable by which its pods get the connection string",
    )
    restore: RestoreName | None = Field(None, description="the validated restore that the canary tries")
    pods: int = Field(1, ge=1, le=100, description="pods of the canary: with traffic its weight")
    traffic: bool = Field(False, description="true gives them the deployment's labels, and so requests")
    writes: bool = Field(False, description="true lets them write; else their sessions are read-only")
    split_writes: Waived | None = Field(
        None, description="who accepts, and why, that the restore and what serves part by writes"
    )

    @property
    def copy_name(self) -> str:
        """The name of the copy and of its Secret; its sessions have it as application_name."""
        return self.deployment.name + SUFFIX

    @model_validator(mode="after")
    def _of_a_restore(self) -> Canary:
        if self.restore is None and (self.traffic or self.writes or self.split_writes):
            raise ValueError("`traffic`, `writes` and `split-writes` have no meaning without `restore`")
        return self


def broken_rules(raw: Mapping[str, Any]) -> list[str]:
    """The rules between the canary and the rest of a config that is not checked yet."""
    canary, restores = raw.get("canary"), raw.get("restores") or {}
    if not isinstance(canary, Mapping) or not isinstance(restores, Mapping) or not canary.get("restore"):
        return []
    found = {"restore": _unfit(str(canary["restore"]), raw, restores), **dict([parted(raw)])}
    return [f"{PREFIX}canary.{field}: {words}" for field, words in found.items() if words]


def _unfit(name: str, raw: Mapping[str, Any], restores: Mapping[str, Any]) -> str:
    if raw.get("serving") == name:
        return f"{name!r} serves already, there is nothing to try; take `restore` out of `canary`"
    if name in restores and is_released(restores[name]):
        return f"{name!r} is released, to be torn down; nothing may lead there"
    return why_not(name, restores)


def parted(raw: Mapping[str, Any]) -> tuple[str, str]:
    """By which field the restore and what serves would part unaccepted, and in which words; "" where by none.

    Requests that the canary takes see the restore, while everything else is written to what serves.
    """
    canary = raw["canary"]
    if canary.get("split-writes"):
        return "", ""
    name = canary["restore"]
    accept = f"reforge cutover {name} --canary{{}} --accept split-writes --reason REASON"
    if canary.get("writes"):
        return "writes", (
            f"what the canary writes to {name} is not in what serves, and the other way round; "
            f"leave it read-only, or accept that in writing: `{accept.format(' --writes')}`"
        )
    if canary.get("traffic") and raw.get("writing") != "none":
        return "traffic", (
            f"writers still change what serves, and requests to the canary see {name}; run `reforge pause` "
            f"first, or accept that in writing: `{accept.format(' --traffic')}`"
        )
    return "", ""
