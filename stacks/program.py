"""The program: source -> restores -> endpoints -> writers -> outputs."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi.runtime.config

from problem import Problem
from stacks.endpoints import Target
from stacks.kinds import load
from stacks.model import PROVIDERS, Config, parse
from stacks.urls import address

_TEXTS = {"source-url", "serving", "writing", "suite"}


def main() -> None:
    """Declare the stack that the config describes; a wrong config ends in its own words."""
    # The SDK's own debug lines hold secret outputs in clear, and an event log would keep them.
    pulumi.log.debug = _unsaid
    try:
        declare(parse(raw_config()))
    except Problem as problem:
        raise pulumi.RunError(problem.message) from None


def _unsaid(*_words: Any, **_options: Any) -> None:
    """In place of a debug line."""


def declare(config: Config[Any, Any]) -> None:
    """Every resource of the stack, in the order of the procedure."""
    source = the_source()
    provider = load(PROVIDERS, config.source.provider, "restore")
    restores = {name: provider.declare(name, config, source.url) for name in config.restores}
    serving = source if config.serving == "source" else restores[config.serving]
    # Whatever else one up brings: the application moves only to an instance that is there and open to it,
    # writers stop before it moves, and they come back only after it has moved.
    releases = [one for restore in restores.values() for one in restore.releases]
    instances = list(serving.needs) if config.serving != "source" else releases
    stopped: list[pulumi.Resource] = []
    if config.writing == "none":
        stopped = declare_writers(config, serving, [])
        declare_endpoints(config, serving, [*instances, *stopped])
    else:
        declare_writers(config, serving, declare_endpoints(config, serving, instances))
    declare_canary(config, restores, stopped)
    export(config, serving, restores)


def declare_endpoints(
    config: Config[Any, Any], serving: Target, after: list[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Everything that tells the application where its database is.

    Where one of them finds that the new server turns the application away, no other has moved yet.
    """
    endpoints = [entry.chosen for entry in config.endpoints]
    options = pulumi.ResourceOptions(depends_on=after)
    first = [one.declare(serving, options) for one in endpoints if one.PROVES]
    options = pulumi.ResourceOptions(depends_on=[*after, *first])
    return [*first, *(one.declare(serving, options) for one in endpoints if not one.PROVES)]


def declare_writers(
    config: Config[Any, Any], serving: Target, after: list[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Everything that writes by itself, to the degree that the config allows."""
    options = pulumi.ResourceOptions(depends_on=after)
    return [entry.chosen.declare(config.writing, serving, options) for entry in config.writers]


def declare_canary(
    config: Config[Any, Any], restores: dict[str, Target], after: list[pulumi.Resource]
) -> None:
    """The small copy of the application, while the config has one; its cluster is asked only then.

    Without one, the engine takes it away after everything else: the application has moved by then.
    """
    if config.canary and config.canary.restore:
        canary = load("stacks", "canary", "resources")
        canary.declare(config.canary, restores[config.canary.restore], after)


def raw_config() -> dict[str, Any]:
    """The stack's values under ``reforge:``, decrypted, without the prefix."""
    prefix = "reforge:"
    # Wrong names are to be told too, and pulumi.Config only answers for names one already knows.
    values = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    return {
        name.removeprefix(prefix): _value(name.removeprefix(prefix), text)
        for name, text in values.items()
        if name.startswith(prefix) and text  # a key with nothing under it arrives empty
    }


def _value(name: str, text: str) -> Any:
    """Structured values arrive as JSON, plain ones as they were written."""
    if name in _TEXTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def the_source() -> Target:
    """The original: its address is read from its connection string, nothing of it is declared."""
    url = pulumi.Config("reforge").require_secret("source-url")
    place = pulumi.Output.unsecret(url.apply(address))
    return Target("source", url, place.apply(lambda at: at[0]), place.apply(lambda at: at[1]))


def export(config: Config[Any, Any], serving: Target, restores: dict[str, Target]) -> None:
    """What a pipeline reads: who serves, by which connection string, and where each restore is."""
    pulumi.export("serving", config.serving)
    pulumi.export("writing", config.writing)
    pulumi.export("canary", config.canary.restore if config.canary else None)
    pulumi.export("url", serving.url)
    pulumi.export(
        "restores",
        {name: {"host": one.host, "port": one.port, "url": one.url} for name, one in restores.items()},
    )
