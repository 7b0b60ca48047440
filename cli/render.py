"""The one door to the screen: plain lines in a pipeline, colours and live progress on a terminal, or JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from cli.explanations import is_explained
from problem import Problem

_DIFF_COLOURS = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


def _coloured(stream: TextIO) -> bool:
    """On a terminal, unless its user wants none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Screen:
    """What people read goes to stdout, or to stderr where stdout is to hold one JSON document."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self._stream = sys.stderr if as_json else sys.stdout
        self._printed = False
        self.live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self.coloured = _coloured(self._stream)

    def say(self, text: str = "", **style: Any) -> None:
        """One line or more for people."""
        with self._heard(self._stream):
            click.secho(text, file=self._stream, color=self.coloured, **(style if self.coloured else {}))
            self._stream.flush()

    @contextlib.contextmanager
    def _heard(self, stream: TextIO) -> Iterator[None]:
        """Work goes on to its end where the reader of a pipe, or the terminal, has gone."""
        try:
            yield
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def heading(self, text: str) -> None:
        """What follows is a part of its own."""
        self.say(f"\n{text}", bold=True)

    def success(self, text: str) -> None:
        """Something is done."""
        self.say(text, fg="green")

    def warn(self, text: str) -> None:
        """Something that is no error and must be known."""
        self.say(text, fg="yellow")

    def next(self, command: str) -> None:
        """What to type next."""
        self.say(f"Next: {command}", fg="cyan")

    def diff(self, text: str) -> None:
        """A diff, its lines coloured by their sign."""
        for line in text.rstrip("\n").splitlines():
            self.say(line, fg=_DIFF_COLOURS.get(line.strip()[:1]))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns of text; rich lays them out."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        grid = Table(*header, box=box.SIMPLE_HEAD if self.live else None, pad_edge=False)
        for row in rows:
            grid.add_row(*row)
        console = Console(
            file=io.StringIO(),
            width=None if self.live else 200,
            force_terminal=self.coloured,
            highlight=False,
            markup=False,
        )
        with console.capture() as laid_out:
            console.print(grid)
        lines = laid_out.get().splitlines()
        self.say("\n".join(line.rstrip() for line in lines))

    def document(self, document: dict[str, Any], always: bool = False) -> None:
        """The one JSON document of a command, where --json asked for it or the command is made of it."""
        if (self.as_json or always) and not self._printed:
            self._printed = True
            with self._heard(sys.stdout):
                click.echo(json.dumps(document, indent=2, default=str))

    def problem(self, problem: Problem, trace: bool = False) -> None:
        """What failed, on what, and the next thing to type; with ``trace`` where in the code, too."""
        with self._heard(sys.stderr):
            if trace:
                import traceback

                traceback.print_exc()
            click.secho(
                f"Error: {problem.what}", file=sys.stderr, fg="red" if _coloured(sys.stderr) else None
            )
            if problem.cure:
                click.echo(problem.cure, err=True)
            if is_explained(problem.name):
                click.secho(
                    f"More: reforge explain {problem.name}", err=True, dim=_coloured(sys.stderr) or None
                )
        self.failure(problem.name, problem.what, problem.cure, problem.exit_code)

    def failure(self, name: str, what: str, cure: str, code: int) -> None:
        """The JSON document of a command that failed before it had one."""
        self.document({"error": {"name": name, "what": what, "cure": cure, "exit": code}})

    def confirm(self, question: str) -> bool:
        """Ask on a terminal; no where there is none, and where the answer is not yes."""
        if self.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        try:
            return click.confirm(question, default=False)
        except click.Abort:
            self.say()
            return False

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """Live lines on a terminal, one for each resource; else a line whenever a phase changes."""
        if not self.live:
            yield Progress(self)
            return
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(file=self._stream), refresh_per_second=8, transient=True) as live:
            yield Progress(self, live)


class Progress:
    """The newest line of each resource at work."""

    def __init__(self, screen: Screen, live: Any = None) -> None:
        self._screen, self._live = screen, live
        self._lines: dict[str, str] = {}

    def tell(self, subject: str, text: str) -> None:
        """``subject`` is doing ``text``."""
        if self._live is not None:
            self._lines[subject] = text
            self._live.update("\n".join(f"{name}: {line}" for name, line in self._lines.items()))
        elif _phase(text) != _phase(self._lines.get(subject, "")):
            self._lines[subject] = text
            self._screen.say(f"{datetime.now(UTC):%H:%M:%SZ} {subject}: {text}")

    def done(self, subject: str, text: str) -> None:
        """``subject`` has ended; its line stays on the screen."""
        self._lines.pop(subject, None)
        if self._live is not None:
            self._live.console.print(f"{subject}: {text}", highlight=False)
        else:
            self._screen.say(f"{datetime.now(UTC):%H:%M:%SZ} {subject}: {text}")


def _phase(text: str) -> str:
    """The words before the first digit, and every quarter of the way: enough for a log."""
    words = text.split("%")[0].split()
    share = words[-1] if "%" in text and words and words[-1].isdigit() else ""
    return "".join(char for char in text.split("%")[0] if not char.isdigit()) + (
        str(int(share) // 25) if share else ""
    )
