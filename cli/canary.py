"""The canary of a cut-over: what is asked for, held against, proposed, and seen of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cli.options import report
from cli.parity import hold, record
from cli.restored import signature, url_of
from cli.stage import Stage
from cli.trials import SPLIT_WRITES, copy_name
from cli.writes import before_cutover, connected
from problem import Misuse, Problem, Refusal

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft

STAGE = "cutover-canary"
_FLAGS = ("deployment", "context", "variable", "pods", "traffic", "writes", "accept")


def canary_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a cut-over takes for its canary."""
    options = (
        click.option("--canary", is_flag=True, help="Try it with a small copy of a deployment first."),
        click.option(
            "--deployment", metavar="NAMESPACE/NAME", help="Canary: what is copied; kept in the config."
        ),
        click.option("--context", help="Canary: the kubeconfig's context; by default its current one."),
        click.option("--variable", help="Canary: what its pods get the URL by; by default DATABASE_URL."),
        click.option("--pods", type=click.IntRange(1, 100), help="Canary: how many; with --traffic, weight."),
        click.option("--traffic", is_flag=True, help="Canary: it takes requests beside the deployment."),
        click.option("--writes", is_flag=True, help="Canary: it may write; else its sessions only read."),
        click.option(
            "--accept",
            type=click.Choice([SPLIT_WRITES]),
            help="Canary: the restore and what serves may part by writes; say why by --reason.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Asked:
    """The canary that a command asks for."""

    name: str
    """The restore to try."""
    flags: Mapping[str, Any]
    waived: Mapping[str, str]
    """Reasons by the difference, or split writes, that they accept."""

    def edit(self, draft: Draft, before: Mapping[str, Any]) -> None:
        """Write it into the config; ``before``: what the config says of a canary now."""
        if place := self.place:
            draft.set("canary", "deployment", to=place)
        for field in ("variable", "pods"):
            if self.flags[field]:
                draft.set("canary", field, to=self.flags[field])
        draft.set("canary", "restore", to=self.name)
        for field in ("traffic", "writes"):
            _flip(draft, field, self.flags[field])
        if reason := self.waived.get(SPLIT_WRITES):
            draft.set("canary", SPLIT_WRITES, to={"reason": reason.strip(), **signature()})
        elif before.get("restore") != self.name:  # it was said of another restore
            draft.remove("canary", SPLIT_WRITES)
        record(draft, self.name, self.differences, signature())

    @property
    def differences(self) -> dict[str, str]:
        """The waivers that are of differences."""
        return {name: reason for name, reason in self.waived.items() if name != SPLIT_WRITES}

    @property
    def place(self) -> dict[str, str]:
        """The deployment named on the command line; empty where none is."""
        named = self.flags["deployment"]
        if not named:
            return {}
        namespace, slash, name = named.partition("/")
        if not (slash and namespace and name):
            what = f"--deployment {named}: write it as NAMESPACE/NAME."
            raise Misuse("option-wrong", what, "Like --deployment starforge/api")
        context = {"context": self.flags["context"]} if self.flags["context"] else {}
        return {**context, "namespace": namespace, "name": name}


def refuse_lonely(flags: Mapping[str, Any]) -> None:
    """Misuse for what means nothing without ``--canary``."""
    given = [f"--{name}" for name in _FLAGS if flags[name]]
    if given:
        what = f"{', '.join(given)}: this is of a canary, and there is no --canary."
        raise Misuse("option-wrong", what, "Add --canary, or leave it out.")


def run(session: Session, asked: Asked, *, yes: bool, dry_run: bool) -> None:
    """The stage that makes a canary, or gives it more or less than it had."""
    before = session.file.raw.get("canary") or {}
    if not (asked.place or before.get("deployment")):
        what = "A canary is a copy of a deployment, and neither the command nor the config names one."
        cure = session.command("cutover", asked.name, "--canary", "--deployment", "NAMESPACE/NAME")
        raise Misuse("canary-of-what", what, cure)
    _refuse_split(session, asked, before)
    stage = Stage(session, STAGE, asked.name)
    stage.begin = partial(_begin, session, stage, asked)
    stage.prepare = before_cutover(session, asked.name)
    if stage.run(lambda draft: asked.edit(draft, before), yes=yes, dry_run=dry_run):
        tell_connected(session, stage, asked.name)
    report(session, stage)


def before_saved(session: Session, stage: Stage, name: str) -> Callable[[], None]:
    """For a plan that was saved: the servers may have changed since it was made."""
    note = before_cutover(session, name)

    def prepare() -> None:
        if session.file.raw["canary"].get("traffic"):
            _hold(session, stage, name, {})
        note()

    return prepare


def tell_connected(session: Session, stage: Stage, name: str) -> None:
    """Who is on the restore, by application and address, and whether the canary is on the source."""
    copy = copy_name(session.file.raw)
    try:
        found = connected(url_of(session, name))
    except Problem as problem:
        session.screen.warn(f"Who is connected to {name} is not known: {problem.what}")
        return
    stage.facts["connected"] = dict(found)
    listed = ", ".join(f"{count} x {who}" for who, count in found.most_common()) or "nobody"
    if any(who.startswith(f"{copy} from") for who in found):
        session.screen.success(f"Connected to {name}: {listed}")
    else:
        session.screen.warn(f"No session of {copy} on {name} yet. Connected to {name}: {listed}")
    if astray := _astray(session, copy):
        session.screen.warn(f"The canary is connected to the source: {astray}")


def _begin(session: Session, stage: Stage, asked: Asked) -> None:
    if asked.flags["traffic"]:
        _hold(session, stage, asked.name, asked.differences)


def _hold(session: Session, stage: Stage, name: str, waived: Mapping[str, str]) -> None:
    """Users meet the restore as soon as there are requests: from then on all gates of a cut-over hold."""
    hold(session, stage, name, waived)
    if astray := _astray(session, copy_name(session.file.raw)):
        what = f"The canary uses the source and not {name}: {astray}"
        cure = (
            "It has another way to its database than the variable in `reforge:canary`. Nothing was changed. "
            "Name that by --variable, or take the canary away: " + session.command("rollback", "--canary")
        )
        raise Refusal("canary-astray", what, cure)


def _astray(session: Session, copy: str) -> str:
    """Sessions of the canary on the source; empty where there are none, or nobody can tell."""
    try:
        found = connected(session.engine.secret("source-url"))
    except Problem:
        return ""
    return ", ".join(f"{count} x {who}" for who, count in found.items() if who.startswith(f"{copy} from"))


def _refuse_split(session: Session, asked: Asked, before: Mapping[str, Any]) -> None:
    """The model's own rule in its words, as the gate that it is."""
    from stacks.canary.settings import parted

    kept = before.get(SPLIT_WRITES) if before.get("restore") == asked.name else None
    accepted = asked.waived.get(SPLIT_WRITES) or kept
    wanted = {name: asked.flags[name] for name in ("traffic", "writes")}
    canary = {**before, **wanted, "restore": asked.name, SPLIT_WRITES: accepted}
    _, words = parted({**session.file.raw, "canary": canary})
    if words:
        raise Refusal("split-writes", words, "Stop writers first: " + session.command("pause"))


def _flip(draft: Draft, field: str, on: bool) -> None:
    if on:
        draft.set("canary", field, to=True)
    else:
        draft.remove("canary", field)
