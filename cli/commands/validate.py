"""Run the validation suite on a restore, or on any database.

On a restore it records in the config that it passed; on a database by its --url it only tells.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import complete_restore, report, stage_options
from cli.restored import declared, signature, url_of
from cli.stage import Stage
from problem import Misuse, Problem

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft
    from validation.report import Report
    from validation.runner import Subject
    from validation.suite import Suite


@click.command(help=__doc__)
@click.argument("name", required=False, shell_complete=complete_restore)
@click.option(
    "--url",
    envvar="REFORGE_VALIDATE_URL",
    help="Any PostgreSQL, without a stack. From the environment it stays out of ps.",
)
@click.option(
    "--suite", type=click.Path(path_type=Path), help="The suite's file; the config's `suite` by default."
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write the result as JUnit XML too.")
@click.option(
    "--waive", metavar="REASON", help="Accept the restore without a passed validation, and say why."
)
@stage_options
@click.pass_obj
def command(
    session: Session,
    name: str | None,
    url: str | None,
    suite: Path | None,
    junit: Path | None,
    waive: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    if not name:
        if not url:
            raise Misuse(
                "validate-what", "Validate what?", "Give the name of a restore, or --url and --suite."
            )
        _standalone(session, url, suite, junit)
        return
    stage = Stage(session, "validate", name)
    restore = declared(session, name)
    if waive is not None:
        stage.run(_record(name, {"waived": {"reason": waive, **signature()}}), yes=yes, dry_run=dry_run)
    else:
        with stage.recorded():
            found = _run_on_restore(session, name, _suite(session, suite), restore)
            path = _save(session, name, found, junit)
            stage.facts |= {"report": str(path), "passed": found.passed, "digest": found.digest}
            if found.unreached:
                what = f"{name} was not validated: {found.unreached.summary}"
                cure = "Nothing is known of its data. Mend that, then run the same command again."
                raise Problem("database-unreachable", what, cure)
            if not found.passed:
                session.journal.note(passed=False)
                session.screen.document({"stage": "validate", "subject": name, **found.document()})
                raise Problem(
                    "validation-failed", f"{name}: {found.conclusion}", _failed_cure(session, name, path)
                )
            session.journal.end("passed", digest_of_report=found.digest)
        proof = {"validated": {**signature(), "digest": found.digest}}
        stage.run(_record(name, proof), yes=yes, dry_run=dry_run)
    report(session, stage)


def _standalone(session: Session, url: str, suite: Path | None, junit: Path | None) -> None:
    from validation.runner import Subject
    from validation.suite import load, standard

    found = _run(session, load(suite) if suite else standard(), Subject(url))
    session.screen.document(found.document())
    _write(junit, found.junit)
    if not found.passed:
        raise Problem("validation-failed", found.conclusion)


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text())
    except OSError as error:
        what = f"The JUnit report cannot be written to {path}: {error.strerror}."
        raise Problem("report-not-written", what, "Name a file in a folder that is there.") from None


def _run(session: Session, suite: Suite, subject: Subject) -> Report:
    from validation.runner import Progress, run

    with session.screen.progress() as progress:

        def show(step: Progress) -> None:
            progress.tell("validate", f"check {step.number} of {step.total}: {step.name}")

        found = run(suite, subject, show)
    return _shown(session, found)


def _shown(session: Session, found: Report) -> Report:
    for line in found.text:
        session.screen.say(line)
    return found


def _run_on_restore(session: Session, name: str, suite: Suite, restore: Any) -> Report:
    """Near the data where the config has a runner, else here."""
    from validation.samples import Samples

    subject, runner = _subject(session, name, restore), session.file.config().runner
    if Samples(subject.samples).clear(subject.url):
        session.screen.say("Removed the sample that a killed validation had left.")
    if runner is None:
        return _run(session, suite, subject)
    from runner.validations import near

    with session.screen.progress() as progress:
        found = near(name, suite, subject, runner.plain(), lambda line: progress.tell("validate", line))
    return _shown(session, found)


def _suite(session: Session, given: Path | None) -> Suite:
    from validation.suite import load, standard

    if given:
        return load(given)
    named = session.file.raw.get("suite")
    return load(session.project / named) if named else standard()


def _subject(session: Session, name: str, restore: Any) -> Subject:
    from datetime import datetime

    from validation.runner import Subject

    time = restore.from_.time
    return Subject(
        url_of(session, name),
        session.engine.secret("source-url"),
        datetime.fromisoformat(time) if time else None,
        standby=restore.from_.replica is not None,
        samples=session.folder / "samples" / f"{session.stack}-{name}.json",
    )


def _save(session: Session, name: str, found: Report, junit: Path | None) -> Path:
    import json

    folder = session.folder / "reports"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{session.stack}-{name}-{found.started_at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(found.document(), indent=2))
    _write(junit, found.junit)
    session.screen.say(f"Report: {path.relative_to(session.project)} ({found.digest})")
    return path


def _record(name: str, proof: dict[str, Any]) -> Any:
    def edit(draft: Draft) -> None:
        for what, decided in proof.items():
            draft.set("restores", name, what, to=decided)

    return edit


def _failed_cure(session: Session, name: str, path: Path) -> str:
    restore, teardown = session.command("restore", "NAME"), session.command("teardown", name, "--yes")
    return (
        f"Nothing points to {name}. Read {path.relative_to(session.project)}, try another target "
        f"(`{restore} ...`), and remove this one: {teardown}"
    )
