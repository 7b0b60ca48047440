"""Where the original is, for ``init``: looked for, taken from options, or asked; never changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from problem import Misuse

if TYPE_CHECKING:
    from cli.render import Screen

LOCAL = "local"
FOLDERS = {
    "backups": "Folder of base backups",
    "archive": "Folder of archived WAL",
    "directory": "Folder for restored instances",
}
_ONLY_LOCAL = (*FOLDERS, "data_directory")


def in_a_cloud(screen: Screen, url: str, given: dict[str, Any]) -> dict[str, Any]:
    """The config's ``source`` as the provider's catalog finds it, shown; what is typed wins.

    Misuse for an option that means folders of this machine, and what the catalog says where it finds none.
    """
    from stacks.kinds import load
    from stacks.model import PROVIDERS

    if wrong := [name for name in _ONLY_LOCAL if given[name]]:
        option = "--" + wrong[0].replace("_", "-")
        what = f"{option} is for --provider {LOCAL}; {given['provider']} keeps backups itself."
        raise Misuse("option-wrong", what)
    typed = dict(pair(text, "=", "--source NAME=VALUE") for text in given["values"])
    catalog = load(PROVIDERS, given["provider"], "catalog")
    found = catalog.look_around({"url": url, "instance": given["instance"], **typed}) | typed
    screen.heading("Found:")
    screen.table(["", "value"], [[name, str(value)] for name, value in found.items()])
    return dict(found)


def on_this_machine(url: str, given: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """The config's ``source`` for a cluster of one's own: typed, else seen, else asked."""
    database = database_of(url)
    source = {"provider": LOCAL, "instance": given["instance"] or database, "database": database}
    return (
        source
        | dict(pair(text, "=", "--source NAME=VALUE") for text in given["values"])
        | _places(given, seen)
    )


def database_of(url: str) -> str:
    """The database that a connection string names, as the server has it."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path.lstrip("/")) or "postgres"


def _places(given: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """Where everything lies: what was given, else what was seen, else what is asked."""
    from stacks.providers.local.settings import PLACES

    places: dict[str, Any] = {}
    if data := given["data_directory"] or seen.get("data-directory"):
        places["data-directory"] = str(data)
    wanted = dict(FOLDERS)
    tool = next((tool for tool in PLACES if tool in seen), None)
    if tool and not (given["backups"] or given["archive"]):
        places[tool] = seen[tool]
        wanted = {"directory": FOLDERS["directory"]}
    for name, question in wanted.items():
        text = str(given[name] or seen.get(name) or asked(question, name))
        places[name] = text if "://" in text else str(Path(text).absolute())
    return places


def endpoints(given: dict[str, Any], database: str) -> list[dict[str, Any]]:
    """What tells the application where its database is, from the options."""
    files = [pair(text, ":", "--env-file PATH:KEY") for text in given["env_files"]]
    return [
        *({"env-file": {"path": str(Path(path).absolute()), "key": key}} for path, key in files),
        *({"pgbouncer": {"admin": admin, "database": database}} for admin in given["poolers"]),
        *_entries(given["endpoints"], "--endpoint 'KIND: {NAME: VALUE}'"),
    ]


def writers(given: dict[str, Any]) -> list[dict[str, Any]]:
    """What writes by itself, from the options."""
    groups = [pair(text, "#", "--supervisor SERVER#GROUP") for text in given["groups"]]
    flags = [pair(text, ":", "--flag PATH:KEY") for text in given["flags"]]
    return [
        *({"supervisor": {"server": server, "group": group}} for server, group in groups),
        *({"flag": {"file": str(Path(path).absolute()), "key": key}} for path, key in flags),
        *_entries(given["writers"], "--writer 'KIND: {NAME: VALUE}'"),
    ]


def _entries(texts: Sequence[str], form: str) -> list[dict[str, Any]]:
    """Entries of the config as its YAML has them; Misuse for what is no mapping."""
    import yaml

    found = []
    for text in texts:
        try:
            entry = yaml.safe_load(text)
        except yaml.YAMLError:
            entry = None
        if not isinstance(entry, dict):
            raise Misuse("option-wrong", f"{text!r} is not of the form {form}")
        found.append(entry)
    return found


def pair(text: str, sign: str, form: str) -> tuple[str, str]:
    """Both sides of an option's value; Misuse where one is missing."""
    left, found, right = text.partition(sign) if sign == "=" else text.rpartition(sign)
    if not (found and left and right):
        raise Misuse("option-wrong", f"{text!r} is not of the form {form}")
    return left, right


def asked(question: str, option: str, *, hide: bool = False) -> str:
    """What a person at the terminal answers; Misuse that names the ``option`` where there is none."""
    if not sys.stdin.isatty():
        raise Misuse(
            "option-missing",
            f"{question} is not given, and there is no terminal to ask on.",
            f"Add --{option.replace('_', '-')}; what it takes: reforge init --help",
        )
    return str(click.prompt(question, hide_input=hide, err=True))
