"""The entry point: the group of commands, and the one place where errors become messages."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from cli.masking import masked
from cli.render import Screen
from cli.session import Session
from problem import Problem, unusable

COMMANDS = Path(__file__).parent / "commands"
_SWITCHES = ("--json", "--debug")


class Interrupted(Problem):
    """Ctrl-C, or a signal that asks to end."""

    exit_code = 130


class Commands(click.Group):
    """Finds commands by their files and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_files())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = _files().get(cmd_name)
        return _with_switches(import_module(f"cli.commands.{file.stem}").command) if file else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(file)) for name, file in sorted(_files().items())])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]}?" if near else " `reforge --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx) from error


def _files() -> dict[str, Path]:
    """The commands by name; a file whose name Python has taken ends in an underscore."""
    return {file.stem.rstrip("_"): file for file in COMMANDS.glob("[a-z]*.py")}


def _with_switches(command: click.Command) -> click.Command:
    """``--json`` and ``--debug`` mean the same behind the command, where people are used to type them."""
    if not any("--json" in one.opts for one in command.params):
        command.params += [
            click.Option([name], is_flag=True, expose_value=False, hidden=True) for name in _SWITCHES
        ]
    return command


def summary(file: Path) -> str:
    """The first line of a command's file, without quotes and full stop."""
    with file.open() as text:
        return text.readline().strip().strip('"').rstrip(".")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--stack",
    "-s",
    envvar="REFORGE_STACK",
    help="The stack: one an environment. The only one there is, by default.",
)
@click.option(
    "--project",
    "-C",
    type=click.Path(path_type=Path),
    help="The folder of Pulumi.yaml, by default this one or one above.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout; words for people go to stderr."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="reforge", prog_name="reforge")
@click.pass_context
def reforge(ctx: click.Context, stack: str | None, project: Path | None, as_json: bool, debug: bool) -> None:
    """Restore a PostgreSQL database to a new instance, in stages that can be reviewed.

    An incident: pause, restore, validate, cutover, resume --canary, resume; rollback and teardown undo.
    Each stage proposes a diff of the stack's config; --yes applies it at once, `reforge apply` later.
    """
    ctx.obj = Session(ctx.obj or Screen(as_json), project, stack)


def main() -> None:
    """Run the command line; ends the process with an exit code of docs/command-line.md."""
    debug, screen = "--debug" in sys.argv, Screen("--json" in sys.argv)
    _end_as_by_ctrl_c()
    try:
        reforge(standalone_mode=False, obj=screen, prog_name="reforge")
    except (click.Abort, KeyboardInterrupt):
        _end(
            screen, Interrupted("interrupted", "Interrupted.", "Run the same command again to go on."), debug
        )
    except click.ClickException as wrong:
        wrong.show()
        screen.failure("usage", wrong.format_message(), "", wrong.exit_code)
        sys.exit(wrong.exit_code)
    except Problem as problem:
        _end(screen, problem, debug)
    except OSError as error:
        _end(screen, unusable(error), debug)
    except Exception as error:
        what = f"Reforge failed in a way it does not know: {type(error).__name__}: {masked(str(error))}"
        _end(screen, Problem("unknown", what, "Run it again with --debug and report what it prints."), debug)


def _end(screen: Screen, problem: Problem, debug: bool) -> NoReturn:
    screen.problem(problem, trace=debug)
    sys.exit(problem.exit_code)


def _end_as_by_ctrl_c() -> None:
    """A request to end, and a terminal that hangs up, end a command in order; `nohup` still holds."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:
            signal.signal(ending, _as_interrupt)


def _as_interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
