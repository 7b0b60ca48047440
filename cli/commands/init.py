"""Make a project and a stack's config: asks, or takes flags.

Connection strings stay encrypted in the config. Nothing of the original is changed.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import report
from cli.originals import FOLDERS, LOCAL, asked, database_of, endpoints, in_a_cloud, on_this_machine, writers
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
@click.option(
    "--provider", default=LOCAL, show_default=True, help="Where the original runs: local, aws-rds, ..."
)
@click.option(
    "--source",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value under `source`, as region=eu-central-1; again for more.",
)
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
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="YAML",
    help="Any endpoint as the config has it: 'aws-secret: {id: starforge/database-url}'.",
)
@click.option(
    "--writer",
    "writers",
    multiple=True,
    metavar="YAML",
    help="Any writer as the config has it: 'deployment: {namespace: starforge, name: etl-worker}'.",
)
@click.option("--backend", metavar="URL", help="The state's place, as s3://bucket or gs://bucket.")
@click.option(
    "--secrets-provider", metavar="URL", help="What encrypts the secrets, as awskms://alias/reforge."
)
@click.option("--suite", type=Path, help="The validation suite.")
@click.option(
    "--yes", "-y", is_flag=True, help="Apply it at once: originals are recorded, nothing is changed."
)
@click.option("--dry-run", is_flag=True, help="Look around, show what was found, and write nothing.")
@click.pass_obj
def command(session: Session, /, url: str | None, yes: bool, dry_run: bool, **given: Any) -> None:
    from cli.projectfiles import make_project, stack_text

    folder, stack = session.start, session.named_stack or "local"
    existing = "" if dry_run else _before(folder / f"Pulumi.{stack}.yaml")
    url = url or asked("Connection string of the original", "url", hide=True)
    _require_url(url)
    source, discovery = _look(session, url, given, dry_run)
    if source is None:
        return
    config = _config(url, given, source)
    if not (folder / "Pulumi.yaml").exists():
        for name in make_project(folder, given["backend"]):
            session.screen.say(f"Wrote {name}")
    elif given["backend"]:
        _require_backend(folder, given["backend"])
    session.use(folder, stack)
    session.engine.make_stack(given["secrets_provider"])
    bare, secrets = _apart(config)
    session.file.write(stack_text(existing or _before(session.file.path), bare))
    for path, value in secrets.items():
        session.engine.keep_secret(path, value, path=True)
    session.forget_file()
    stage = Stage(session, "init", facts={"discovery": discovery})
    stage.run(None, yes=yes)
    report(session, stage)


def _look(
    session: Session, url: str, given: dict[str, Any], dry_run: bool
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The config's ``source``, None where a dry run ends with the look, and what was seen for scripts."""
    if given["provider"] != LOCAL and _is_known(given["provider"]):
        source = in_a_cloud(session.screen, url, given)
        if dry_run:
            session.screen.say("Dry run: nothing was written.")
            session.screen.document({"stage": "init", "state": "dry-run", "discovery": {"source": source}})
        return None if dry_run else source, {"source": source}
    from cli.discovery import look, tell_missing

    seen = look(session.screen, url, given["poolers"])
    if dry_run:
        tell_missing(session.screen, seen, [name for name in FOLDERS if given[name]])
        return None, {}
    source = on_this_machine(url, given, seen.fills()) | {"provider": given["provider"]}
    return source, seen.document()


def _is_known(provider: str) -> bool:
    """Whether there is such a provider; of one that is misspelt the config's own rules tell."""
    from stacks.kinds import kinds
    from stacks.model import PROVIDERS

    return provider in kinds(PROVIDERS)


def _require_backend(folder: Path, wanted: str) -> None:
    """Misuse where the project that is there keeps its state elsewhere: two stacks have one backend."""
    import yaml

    project = yaml.safe_load((folder / "Pulumi.yaml").read_text()) or {}
    has = (project.get("backend") or {}).get("url")
    if has != wanted:
        what = f"{folder / 'Pulumi.yaml'} keeps its state in {has or 'the default place'}, not in {wanted}."
        raise Misuse("option-wrong", what, f"Edit it there: backend: {{url: {wanted}}}")


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


def _config(url: str, given: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    """The config, secrets in clear; Misuse for every wrong value, before anything is written."""
    from stacks.model import parse

    config: dict[str, Any] = {
        "source": source,
        "source-url": url,
        "operators": list(given["operators"]) or ["127.0.0.1/32"],
        "restores": {},
    }
    if given["suite"]:
        config["suite"] = str(given["suite"].absolute())
    config |= {
        "serving": "source",
        "endpoints": endpoints(given, database_of(url)),
        "writers": writers(given),
        "writing": "all",
    }
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
