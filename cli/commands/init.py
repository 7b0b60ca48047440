"""Make a project and a stack's config: asks, or takes flags.

Connection strings stay encrypted in the config. Nothing of the original is changed.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import report
from cli.stage import Stage
from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session

URL_VARIABLE, POOLER_VARIABLE = "REFORGE_SOURCE_URL", "REFORGE_PGBOUNCER_ADMIN"
"""Secrets come from the environment, which no process list shows."""


@click.command(help=__doc__)
@click.option(
    "--url", envvar=URL_VARIABLE, help=f"The original's connection string; better in ${URL_VARIABLE}."
)
@click.option("--provider", default="local", show_default=True, help="Where the original runs.")
@click.option("--instance", help="The original's name for people; the database's by default.")
@click.option("--backups", help="Folder or URL of base backups; looked for by default.")
@click.option("--archive", help="Folder or URL of archived WAL; what archive_command says by default.")
@click.option("--directory", type=Path, help="Folder for restored instances.")
@click.option("--data-directory", type=Path, help="The original's PGDATA; asked from the server by default.")
@click.option("--operator", "operators", multiple=True, help="Network that may reach a restore at once.")
@click.option(
    "--pgbouncer",
    "poolers",
    multiple=True,
    metavar="ADMIN_URL",
    envvar=POOLER_VARIABLE,
    help=f"A pgbouncer's admin console; better in ${POOLER_VARIABLE}.",
)
@click.option(
    "--env-file", "env_files", multiple=True, metavar="PATH:KEY", help="A dotenv file with the URL."
)
@click.option(
    "--supervisor", "groups", multiple=True, metavar="SERVER#GROUP", help="A program group that writes."
)
@click.option("--flag", "flags", multiple=True, metavar="PATH:KEY", help="A flag that lets writes in.")
@click.option("--suite", type=Path, help="The validation suite.")
@click.option(
    "--yes", "-y", is_flag=True, help="Apply it at once: originals are recorded, nothing is changed."
)
@click.option("--dry-run", is_flag=True, help="Look around, show what was found, and write nothing.")
@click.pass_obj
def command(session: Session, /, url: str | None, yes: bool, dry_run: bool, **given: Any) -> None:
    from cli.discovery import look, tell_missing
    from cli.projectfiles import make_project, stack_text

    folder, stack = session.start, session.named_stack or "local"
    existing = "" if dry_run else _before(folder / f"Pulumi.{stack}.yaml")
    url = url or _asked("Connection string of the original", hide=True)
    _require_url(url)
    seen = look(session.screen, url, given["poolers"])
    if dry_run:
        tell_missing(session.screen, seen, [name for name in _FOLDERS if given[name]])
        return
    config = _config(url, given, seen.fills())
    if not (folder / "Pulumi.yaml").exists():
        for name in make_project(folder):
            session.screen.say(f"Wrote {name}")
    session.use(folder, stack)
    session.engine.make_stack()
    bare, secrets = _apart(config)
    session.file.write(stack_text(existing or _before(session.file.path), bare))
    for path, value in secrets.items():
        session.engine.keep_secret(path, value, path=True)
    session.forget_file()
    stage = Stage(session, "init", facts={"discovery": seen.document()})
    stage.run(None, yes=yes)
    report(session, stage)


def _require_url(url: str) -> None:
    """Misuse for what is no connection string, without a word of it: part of a password may be anywhere."""
    from stacks.urls import is_postgres

    if not is_postgres(url):
        raise Misuse(
            "database-url-unreadable",
            "The original's connection string is not a URL like postgresql://user:password@host:5432/database.",
            "Write it so; in user and password, / @ : # ? are written %2F %40 %3A %23 %3F.",
        )


def _before(path: Path) -> str:
    """A stack's file without our config; Misuse where it has one that is whole.

    One whose connection string is still empty is of a run that was ended midway, and is begun anew.
    """
    from cli.stackfile import StackFile

    if not path.exists():
        return ""
    file = StackFile(path)
    if file.raw and file.raw.get("source-url") != _EMPTY:
        cure = f"Edit {path.name}, or name another stack: reforge --stack NAME init"
        raise Misuse("stack-exists", f"{path} has a config already.", cure)
    return file.text.partition("config:")[0]


_EMPTY = {"secure": ""}


def _config(url: str, given: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """The config, secrets in clear; Misuse for every wrong value, before anything is written."""
    from urllib.parse import unquote, urlsplit

    from stacks.model import parse

    database = unquote(urlsplit(url).path.lstrip("/")) or "postgres"
    source = {"provider": given["provider"], "instance": given["instance"] or database, "database": database}
    source |= _places(given, seen)
    config: dict[str, Any] = {
        "source": source,
        "source-url": url,
        "operators": list(given["operators"]) or ["127.0.0.1/32"],
        "restores": {},
    }
    if given["suite"]:
        config["suite"] = str(given["suite"].absolute())
    endpoints, writers = _endpoints(given, database), _writers(given)
    config |= {"serving": "source", "endpoints": endpoints, "writers": writers, "writing": "all"}
    parse(config)
    return config


def _apart(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The config with empty secrets, and the secrets by their path in it, the connection string last."""
    bare, secrets = deepcopy(config), {}
    for number, endpoint in enumerate(bare["endpoints"]):
        if pooler := endpoint.get("pgbouncer"):
            secrets[f"endpoints[{number}].pgbouncer.admin"] = pooler["admin"]
            pooler["admin"] = ""
    secrets["source-url"], bare["source-url"] = bare["source-url"], dict(_EMPTY)
    return bare, secrets


_FOLDERS = {
    "backups": "Folder of base backups",
    "archive": "Folder of archived WAL",
    "directory": "Folder for restored instances",
}


def _places(given: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """Where everything lies: what was given, else what was seen, else what is asked."""
    from stacks.providers.local.settings import PLACES

    places: dict[str, Any] = {}
    if data := given["data_directory"] or seen.get("data-directory"):
        places["data-directory"] = str(data)
    wanted = dict(_FOLDERS)
    tool = next((tool for tool in PLACES if tool in seen), None)
    if tool and not (given["backups"] or given["archive"]):
        places[tool] = seen[tool]
        wanted = {"directory": _FOLDERS["directory"]}
    for name, question in wanted.items():
        text = str(given[name] or seen.get(name) or _asked(question))
        places[name] = text if "://" in text else str(Path(text).absolute())
    return places


def _endpoints(given: dict[str, Any], database: str) -> list[dict[str, Any]]:
    endpoints: list[dict[str, Any]] = []
    for text in given["env_files"]:
        path, key = _pair(text, ":", "--env-file PATH:KEY")
        endpoints.append({"env-file": {"path": path, "key": key}})
    for admin in given["poolers"]:
        endpoints.append({"pgbouncer": {"admin": admin, "database": database}})
    return endpoints


def _writers(given: dict[str, Any]) -> list[dict[str, Any]]:
    writers: list[dict[str, Any]] = []
    for text in given["groups"]:
        server, group = _pair(text, "#", "--supervisor SERVER#GROUP")
        writers.append({"supervisor": {"server": server, "group": group}})
    for text in given["flags"]:
        path, key = _pair(text, ":", "--flag PATH:KEY")
        writers.append({"flag": {"file": path, "key": key}})
    return writers


def _pair(text: str, sign: str, form: str) -> tuple[str, str]:
    left, found, right = text.rpartition(sign)
    if not (found and left and right):
        raise Misuse("option-wrong", f"{text!r} is not of the form {form}")
    return left, right


def _asked(question: str, *, hide: bool = False) -> str:
    if not sys.stdin.isatty():
        raise Misuse(
            "option-missing",
            f"{question} is not given, and there is no terminal to ask on.",
            "See: reforge init --help",
        )
    return str(click.prompt(question, hide_input=hide, err=True))
