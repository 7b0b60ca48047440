"""Declares a restored instance of a cluster of one's own."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import PostgresInstance
from stacks.providers.local import replica
from stacks.providers.local.settings import Restore, Source
from stacks.urls import moved


def declare(name: str, config: Config[Source, Restore], source_url: pulumi.Output[str]) -> Target:
    """The instance of ``restores.NAME``, and how it is reached."""
    restore, serving = config.restores[name], config.serving == name
    if restore.from_.replica:
        return replica.declare(name, config, source_url)
    instance = PostgresInstance(
        name,
        {
            "name": name,
            "directory": str(config.source.directory / name),
            "source": _source(config.source, source_url),
            "until": {
                "kind": restore.from_.kind,
                "value": restore.from_.value,
                "inclusive": restore.from_.inclusive,
            },
            **_dump(restore, source_url),
            "operators": list(config.operators),
            "access": "application" if restore.accepted else "operators",
            "serving": serving,
            "listen": config.source.listen,
            "port": restore.port,
            "clients": list(config.source.clients),
            "runAs": config.source.run_as,
        },
        # A `pulumi destroy` is refused whole, before the endpoints and writers are forgotten.
        pulumi.ResourceOptions(protect=serving),
    )
    # What the config says is known before the instance is there: a reviewer sees it.
    host = pulumi.Output.from_input(config.source.listen)
    port = pulumi.Output.from_input(restore.port) if restore.port else instance.port
    url = pulumi.Output.all(source_url, host, port).apply(lambda known: moved(*known))
    return Target(name, pulumi.Output.secret(url), host, port, (instance,))


def _dump(restore: Restore, url: pulumi.Output[str]) -> dict[str, object]:
    """A dump brings no passwords: the application's role gets the one that the application has."""
    if restore.from_.kind != "dump":
        return {}
    password: pulumi.Output[str] = pulumi.Output.secret(
        url.apply(lambda text: unquote(urlsplit(text).password or ""))
    )
    return {"dump": restore.from_.dump_options, "password": password}


def _source(source: Source, url: pulumi.Output[str]) -> dict[str, object]:
    rules = {rule: str(folder) for rule, folder in source.tablespaces.items()}
    return {
        "database": source.database,
        "user": pulumi.Output.unsecret(
            url.apply(lambda text: unquote(urlsplit(text).username or "postgres"))
        ),
        **_places(source),
        "storage": _storage(source),
        "dataDirectory": str(source.data_directory) if source.data_directory else None,
        "tablespaces": rules or None,
    }


def _places(source: Source) -> dict[str, object]:
    """Two folders, or what a tool keeps, in the words of the plugin."""
    folders = {name: str(place) for name in ("archive", "backups") if (place := getattr(source, name))}
    tools = {"pgbackrest": source.pgbackrest, "barman": source.barman, "walG": source.wal_g}
    return folders | {name: tool.model_dump(mode="json") for name, tool in tools.items() if tool}


def _storage(source: Source) -> dict[str, object] | None:
    if source.storage is None:
        return None
    return {"endpointUrl": source.storage.endpoint_url, "anon": source.storage.anon}
