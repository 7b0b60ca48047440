"""The command line's door: commands by their files, exit codes, messages, and what is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from cli import main as door
from cli.main import COMMANDS, reforge, summary
from cli.session import Session
from problem import Misuse, Problem, Refusal

FILES = sorted(COMMANDS.glob("[a-z]*.py"))
HEAVY = ("pulumi", "psycopg", "pydantic", "ruamel", "rich", "httpx", "grpc")


def run(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(COMMANDS.parents[1]), **variables}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: reforge\n")
    text = "config:\n  reforge:restores:\n    before-accident: {from: {latest: true}}\n    before-lunch: {}\n"
    (tmp_path / "Pulumi.local.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_is_a_command_whose_first_line_fits_one_line_of_the_help(file: Path) -> None:
    command = reforge.get_command(click.Context(reforge), file.stem.rstrip("_"))
    assert command is not None
    assert command.name
    assert 20 < len(summary(file)) <= 63
    assert '"' not in summary(file)
    assert (command.help or "").startswith(summary(file))


def test_the_help_lists_every_command_on_one_line() -> None:
    lines = run("--help", COLUMNS="80").stdout.splitlines()
    listed = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in listed] == sorted(file.stem.rstrip("_") for file in FILES)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["status"], ["--json", "status"]])
def test_help_and_status_import_nothing_heavy(stack: Path, words: list[str]) -> None:
    program = (
        "import sys; from cli.main import main; sys.argv = ['reforge', *sys.argv[1:]]\n"
        "try: main()\n"
        "finally: print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(COMMANDS.parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        cwd=stack,
        env=environment,
        check=True,
    )
    assert ran.stdout
    assert [name for name in HEAVY if f"'{name}'" in ran.stderr] == []


def test_a_command_that_is_not_there_names_the_nearest_one() -> None:
    ran = run("restor")
    assert ran.returncode == 2
    assert "Did you mean restore?" in ran.stderr
    assert "reforge --help" in run("xyzzy").stderr


def test_wrong_usage_is_one_json_document_and_exit_code_2() -> None:
    ran = run("--json", "status", "--nonsense")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["name"] == "usage"
    assert "No such option" in ran.stderr


def test_the_switches_may_stand_behind_the_command(stack: Path) -> None:
    ran = run("status", "--json", cwd=stack)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["stack"] == "local"


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith("reforge, version ")


def test_completion_works_in_bash_and_knows_the_restores(stack: Path) -> None:
    script = run(_REFORGE_COMPLETE="bash_source").stdout
    assert "_REFORGE_COMPLETE=bash_complete" in script
    found = run(
        cwd=stack, _REFORGE_COMPLETE="bash_complete", COMP_WORDS="reforge teardown before", COMP_CWORD="2"
    )
    assert found.stdout.split() == ["plain,before-accident", "plain,before-lunch"]
    commands = run(_REFORGE_COMPLETE="bash_complete", COMP_WORDS="reforge re", COMP_CWORD="1").stdout
    assert {line.split(",")[1] for line in commands.split()} == {"rehearse", "restore", "resume"}


def test_completion_outside_a_project_is_silent(tmp_path: Path) -> None:
    found = run(
        cwd=tmp_path, _REFORGE_COMPLETE="bash_complete", COMP_WORDS="reforge teardown x", COMP_CWORD="2"
    )
    assert (found.stdout.strip(), found.stderr) == ("", "")


Raises = Callable[[BaseException, str], tuple[int, str, str]]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Raises:
    """Runs ``reforge WORDS`` with a command that raises; its exit code, stdout and stderr."""

    def play(error: BaseException, words: str = "status") -> tuple[int, str, str]:
        def fail(_session: Session) -> None:
            raise error

        command = click.command("status")(click.pass_obj(fail))
        monkeypatch.setattr(door.Commands, "get_command", lambda *_: command)
        monkeypatch.setattr(door, "_end_as_by_ctrl_c", lambda: None)
        monkeypatch.setattr(sys, "argv", ["reforge", *words.split()])
        with pytest.raises(SystemExit) as caught:
            door.main()
        out, err = capsys.readouterr()
        return int(str(caught.value.code)), out, err

    return play


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Problem("a-name", "This failed.", "Do that."), 1),
        (Misuse("a-name", "This failed.", "Do that."), 2),
        (Refusal("a-name", "This failed.", "Do that."), 3),
    ],
)
def test_a_problem_is_told_with_its_cure_and_ends_in_its_exit_code(
    ended: Raises, error: Problem, code: int
) -> None:
    assert ended(error, "status") == (code, "", "Error: This failed.\nDo that.\n")
    found, out, err = ended(error, "--json status")
    assert found == code
    assert json.loads(out) == {
        "error": {"name": "a-name", "what": "This failed.", "cure": "Do that.", "exit": code}
    }
    assert err == "Error: This failed.\nDo that.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), EOFError()])
def test_an_interruption_says_that_the_same_command_goes_on(ended: Raises, error: BaseException) -> None:
    code, out, err = ended(error, "--json status")
    assert code == 130
    assert json.loads(out)["error"]["exit"] == 130
    assert "Run the same command again" in err


def test_a_traceback_is_shown_with_debug_only_and_no_password_at_all(ended: Raises) -> None:
    error = RuntimeError("no answer from postgresql://app:hunter2@db/starforge")
    code, _, err = ended(error)
    assert code == 1
    assert "Traceback" not in err
    assert "RuntimeError: no answer from postgresql://app:***@db/starforge" in err
    assert "--debug" in err
    assert "Traceback" in ended(Problem("a-name", "This failed."), "--debug status")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_asks_to_end_is_an_interruption(number: signal.Signals) -> None:
    program = (
        "import os, signal, click; from cli import main as door\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"  # whoever runs the tests may have it ignored: nohup
        f"command = click.command('x')(lambda: os.kill(os.getpid(), {int(number)}))\n"
        "door.Commands.get_command = lambda *_: command\n"
        "import sys; sys.argv = ['reforge', 'x']; door.main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(COMMANDS.parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 130
    assert "Interrupted." in ran.stderr


def test_a_reader_that_has_gone_is_no_error(stack: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(COMMANDS.parents[1])}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "cli", "status"],
            cwd=stack,
            env=environment,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")
