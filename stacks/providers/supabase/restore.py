"""Declares a restore in Supabase: a new project, or one that is adopted."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pulumi

from stacks.endpoints import Target
from stacks.loading import origin
from stacks.model import Config
from stacks.plugin import SupabaseProject
from stacks.providers.supabase.addresses import connection_of, placed, role_of
from stacks.providers.supabase.settings import Restore, Source


def declare(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> Target:
    """The project of ``restores.NAME``, and how the application reaches it, as it reaches the original."""
    restore, source = config.restores[name], config.source
    ref, serving = source.instance, config.serving == name
    project = SupabaseProject(
        name,
        {
            "name": name,
            "source": ref,
            "like": source.like,
            "user": pulumi.Output.unsecret(source_url.apply(lambda url: role_of(url, ref))),
            "password": pulumi.Output.secret(
                source_url.apply(lambda url: unquote(urlsplit(url).password or ""))
            ),
            **_origin(restore),
            "region": restore.region,
            "size": restore.size,
            "operators": list(config.operators),
            "access": "application" if restore.accepted else "operators",
            "serving": serving,
        },
        # An adopted one is only forgotten; nothing else may go before its release was reviewed.
        pulumi.ResourceOptions(
            protect=serving or not (restore.release or restore.from_.adopt),
            custom_timeouts=pulumi.CustomTimeouts(create="6h", update="6h", delete="30m"),
        ),
    )
    places = pulumi.Output.all(
        session=project.session, transaction=project.transaction, direct=project.direct
    )
    place: pulumi.Output[dict[str, Any]] = pulumi.Output.all(source_url, places).apply(
        lambda known: known[1][source.connection or connection_of(known[0])]
    )
    url = pulumi.Output.all(source_url, place).apply(lambda known: placed(known[0], ref, known[1]))
    host = pulumi.Output.unsecret(place.apply(lambda at: str(at["host"])))
    port = pulumi.Output.unsecret(place.apply(lambda at: int(at["port"])))
    return Target(name, pulumi.Output.secret(url), host, port, (project,))


def _origin(restore: Restore) -> dict[str, object]:
    """The dump and how it is loaded, or the ref of a clone."""
    if restore.from_.adopt:
        return {"adopt": restore.from_.adopt}
    return {"dump": origin(restore)}
