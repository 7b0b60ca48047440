"""A stage: a change of the config proposed, previewed, held against the gates, saved as a plan, applied."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.events import Event, Outcome
from cli.gate import refuse_data_loss
from cli.journal import Run, typed_command
from cli.plans import Plans
from cli.position import applied, unsettled
from cli.stackfile import Edit, digest
from problem import Misuse, Problem, Refusal, unusable

if TYPE_CHECKING:
    from cli.render import Progress
    from cli.session import Session


@dataclass
class Stage:
    """One stage of an incident on one stack."""

    session: Session
    name: str
    subject: str = ""
    removes: Collection[str] = ()
    """Restores that this stage may delete: those that the user named."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the journal and the JSON document say besides."""
    stream: str = ""
    """The file of what came on stdin; the command that goes on names it."""
    begin: Callable[[], None] = lambda: None
    """What must be seen to before anything is proposed."""
    prepare: Callable[[], None] = lambda: None
    """What is to be noted just before the plan is applied."""

    def run(self, edit: Edit | None, *, yes: bool, dry_run: bool = False, ask: bool = True) -> Outcome | None:
        """Propose ``edit``; apply it with ``yes``, or where a person at the terminal says so to ``ask``.

        Gives what was applied, None where nothing was. A refused or failed proposal leaves the config
        file as it was.
        """
        with self.recorded():
            self._take_stock()
            with self.session.engine.plugins():
                return self._run(edit, yes, dry_run, ask)

    def _run(self, edit: Edit | None, yes: bool, dry_run: bool, ask: bool) -> Outcome | None:
        self.begin()
        text = self.session.file.edited(edit) if edit else self.session.file.text
        self.session.file.config(text)
        planned = self._propose(text, keep=not dry_run)
        if dry_run:
            self._end("dry-run", "Dry run: nothing was written.")
        elif yes:
            return self._apply(text, checked=True)
        elif not planned.changed and digest(text) == applied(self.session.journal.runs()):
            self._plans.drop()
            self._end("unchanged", "Nothing is left to apply.")
        else:
            self._plans.bind(self.name, self.subject, self.removes)
            if ask and self.session.screen.confirm("Apply now?"):
                return self._apply(text, checked=True)
            self._end("proposed", "Proposed, not applied.", digest=digest(text))
        return None

    def apply_saved(self) -> Outcome | None:
        """Apply the plan that an earlier stage saved; ``Refusal`` where what it was made from has changed."""
        with self.recorded(), self.session.engine.plugins():
            saved = self._plans.saved()
            self._plans.hold(saved)
            self.facts |= {"of": saved.stage, "of_subject": saved.subject}
            return self._apply(self.session.file.text, checked=False)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """In the journal from beginning to end, whatever happens."""
        self._settle_killed_run()
        journal = self.session.journal
        journal.begin(self.name, self.subject, typed_command(self.stream))
        try:
            yield
        except KeyboardInterrupt:
            journal.end("interrupted")
            raise
        except (Refusal, Misuse) as refusal:
            state = "outdated" if refusal.name == "plan-outdated" else "refused"
            journal.end(state, why=refusal.what.splitlines()[0])
            raise
        except Problem as problem:
            journal.end("failed", why=problem.what.splitlines()[0], problem=problem.name)
            raise
        except OSError as error:
            found = unusable(error)
            journal.end("failed", why=found.what, problem=found.name)
            raise found from error
        except Exception as error:
            journal.end("failed", why=f"{type(error).__name__}, which Reforge does not know")
            raise

    def _take_stock(self) -> None:
        """Where an earlier run may have moved more than it lived to say, look before anything is decided."""
        runs = self.session.journal.runs()[:-1]
        unknown = not any(run.engine for run in runs)  # as on a runner of a pipeline, which keeps no journal
        if unsettled(runs) or (unknown and self.session.engine.halted):
            with self.session.screen.progress() as progress:
                progress.tell(self.name, "looking what an earlier run has moved")
                self.session.engine.take_stock(lambda event: _show(progress, event))

    def _propose(self, text: str, *, keep: bool) -> Outcome:
        """Preview a config text, show both diffs, hold them against the gates, then keep plan and text."""
        file, screen = self.session.file, self.session.screen
        with self._plans.drafts(text) as (config, plan):
            with screen.progress() as progress:
                progress.tell(self.name, "previewing")
                outcome = self.session.engine.preview(config, plan, lambda event: _show(progress, event))
            self.facts |= {
                "config_diff": file.diff(text),
                "resource_diff": outcome.diff,
                "changes": outcome.changes,
                "notes": outcome.notes,
            }
            self._show(outcome)
            refuse_data_loss(outcome, self._data_types(), self.removes)
            if keep:
                self._plans.keep(plan)
        if keep and text != file.text:
            file.write(text)
        return outcome

    def _show(self, outcome: Outcome) -> None:
        screen = self.session.screen
        if self.facts["config_diff"]:
            screen.heading(f"Config, {self.session.file.path.name}:")
            screen.diff(self.facts["config_diff"])
        if outcome.changed:
            screen.heading("Resources:")
            screen.diff(outcome.diff)
        else:
            screen.say("No resource changes.")
        if outcome.notes:
            screen.heading("Before it begins:")
            screen.say("\n".join(outcome.notes))

    def _apply(self, text: str, *, checked: bool) -> Outcome:
        session = self.session
        self.prepare()
        with session.screen.progress() as progress:
            try:
                done = session.engine.up(
                    self._plans.path,
                    lambda event: _show(progress, event),
                    session.journal.engine,
                    checked=checked,
                )
            finally:
                self._plans.drop()
        self.facts["changes"] = done.changes
        self._tell_notes(done.notes)
        self._end("done", f"Applied in {done.seconds:.1f} s.", digest=digest(text))
        return done

    def _tell_notes(self, found: list[str]) -> None:
        """What a resource has to say after its work; what the preview has said already is not repeated."""
        told = self.facts.get("notes") or []
        new = [note for note in found if note not in told]
        self.facts["notes"] = [*told, *new]
        if new:
            self.session.screen.say("\n".join(new))

    def _end(self, state: str, words: str, **facts: Any) -> None:
        self.session.journal.end(state, **facts)
        self.facts["state"] = state
        self.session.screen.success(words) if state == "done" else self.session.screen.say(words)

    @property
    def proposed(self) -> str:
        """The name of the stage whose plan is saved; empty where there is none."""
        try:
            return self._plans.saved().stage
        except Refusal:
            return ""

    @cached_property
    def _plans(self) -> Plans:
        return Plans(self.session)

    def _data_types(self) -> frozenset[str]:
        from stacks.model import data_types

        return data_types()

    def _settle_killed_run(self) -> None:
        """A live run is not disturbed; a dead one's lock is removed, and its resources are taken up again."""
        last: Run | None = self.session.journal.last()
        if last is None or last.state:
            return
        if last.alive:
            what = f"`{last.command}` is still running (pid {last.engine or last.pid}, since {last.begun})."
            raise Refusal("still-running", what, "Wait for it, or look: " + self.session.command("status"))
        self.session.screen.warn(f"`{last.command}` was killed before it ended; going on from there.")
        if last.engine:
            self.session.engine.unlock()
        self.session.journal.end("killed")


def _show(progress: Progress, event: Event) -> None:
    if event.type.startswith("pulumi:"):
        return
    if event.kind == "said" and event.urn:
        progress.tell(event.name, event.text)
    elif event.kind == "began" and event.operation not in ("same", "read"):
        progress.tell(event.name, f"{event.operation} begins")
    elif event.kind == "ended" and event.operation not in ("same", "read"):
        progress.done(event.name, f"{event.operation} done")
