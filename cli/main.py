"""The entry point: the group of commands, and the one place where errors become messages."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from cli.render import Screen
from cli.session import Session
from problem import Problem

COMMANDS = Path(__file__).parent / "commands"
INTERRUPTED = 130
_BROKEN_PIPE = 141


class Commands(click.Group):
    """Finds commands by their files and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(file.stem.rstrip("_") for file in COMMANDS.glob("[a-z]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = next((one for one in COMMANDS.glob("[a-z]*.py") if one.stem.rstrip("_") == cmd_name), None)
        if file is None:
            return None
        if ctx.resilient_parsing or "--help" not in sys.argv[1:2]:
            found: click.Command = import_module(f"cli.commands.{file.stem}").command
            return found
        return click.Command(cmd_name, short_help=summary(file))

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
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        reforge(standalone_mode=False, obj=screen)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        _tell(screen, Problem("interrupted", "Interrupted.", "Run the same command again to go on."), debug)
        sys.exit(INTERRUPTED)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except BrokenPipeError:
        sys.exit(_BROKEN_PIPE)
    except Problem as problem:
        _tell(screen, problem, debug)
        sys.exit(problem.exit_code)
    except Exception as error:
        what = f"Reforge failed in a way it does not know: {type(error).__name__}: {error}"
        _tell(screen, Problem("unknown", what, "Run it again with --debug and report what it prints."), debug)
        sys.exit(1)


def _tell(screen: Screen, problem: Problem, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    screen.problem(problem)


def _as_interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
