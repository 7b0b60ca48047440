"""Our language host under the real engine: whole runs, failing programs, interruption and kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers import wait_until
from toolchain.engine import HOST_FILES, engine_environment, get_engine
from toolchain.language_host import __file__ as host_source

PROJECT = "name: tiny\nruntime:\n  name: python\n"
PROGRAM = """
import os, sys
import pulumi
import beside

class Room(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("tiny:index:Room", name)
        self.register_outputs({})

Room("one")
pulumi.export("folder", os.getcwd())
pulumi.export("python", sys.executable)
pulumi.export("search", sys.path)
pulumi.export("beside", beside.VALUE)
pulumi.export("password", pulumi.Output.secret("hunter2"))
"""
BLOCKED = """
import os, pathlib, threading
pathlib.Path("running.part").write_text(f"{os.getpid()} {os.getppid()}")
os.replace("running.part", "running")
threading.Event().wait(60)
"""


@dataclass(frozen=True)
class Project:
    """A Pulumi project in a folder of its own, with its own state and the engine's own files."""

    folder: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return ["pulumi", "--non-interactive", "--color", "never", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def program(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This machine's engine with our host beside it, whichever host it came with."""
    folder = tmp_path_factory.mktemp("engine")
    source = get_engine().path.resolve()
    try:
        os.link(source, folder / "pulumi")
    except OSError:
        shutil.copy(source, folder / "pulumi")
    for name in HOST_FILES:
        shutil.copy(Path(host_source).with_name(name), folder / name)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def project(bundle: Path, tmp_path: Path) -> Project:
    """A project whose stack `test` exists and has no resources yet."""
    folder = tmp_path / "project"
    for made in (folder, tmp_path / "state"):
        made.mkdir()
    environment = os.environ | engine_environment(get_engine())
    environment |= {
        "PATH": f"{bundle}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "of this test",
        "PULUMI_HOME": str(tmp_path / "home"),
        "REFORGE_PYTHON": sys.executable,
    }
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "beside.py").write_text("VALUE = 'found'\n")
    made = Project(folder, environment)
    made.program(PROGRAM)
    created = made.run("stack", "init", "test")
    assert created.returncode == 0, created.stderr
    return made


def succeeded(ran: subprocess.CompletedProcess[str]) -> str:
    """Its output; the run went well and nobody warned of anything."""
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "warning" not in said.lower()
    return said


def test_a_stack_lives_from_preview_to_destroy_without_a_warning(project: Project) -> None:
    assert "+ 2 to create" in succeeded(project.run("preview", "--diff", "--save-plan", "plan.json"))
    assert "+ 2 created" in succeeded(project.run("up", "--yes", "--plan", "plan.json"))
    outputs = json.loads(succeeded(project.run("stack", "output", "--json")))
    assert outputs["folder"] == str(project.folder)
    assert outputs["python"] == sys.executable
    assert outputs["beside"] == "found"
    assert outputs["password"] == "[secret]"
    assert "2 unchanged" in succeeded(project.run("up", "--yes"))
    assert "2 unchanged" in succeeded(project.run("refresh", "--yes"))
    assert "- 2 deleted" in succeeded(project.run("destroy", "--yes"))


def test_a_program_does_not_see_the_hosts_own_folder(project: Project, bundle: Path) -> None:
    succeeded(project.run("up", "--yes", "--skip-preview"))
    search = json.loads(succeeded(project.run("stack", "output", "--json")))["search"]
    assert search[0] == str(project.folder)
    assert str(bundle) not in search


def test_the_engine_can_tell_about_a_project(project: Project) -> None:
    assert "python" in succeeded(project.run("about"))
    succeeded(project.run("install"))


def test_an_error_with_words_is_shown_as_those_words_once(project: Project) -> None:
    project.program(
        "import pulumi\nraise pulumi.RunError('serving names no restore.\\nWrite: serving: source')"
    )
    ran = project.run("preview")
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert "Write: serving: source" in said
    assert said.count("Write: serving: source") == 1
    assert "Traceback" not in said
    assert "runtime error" not in said


def test_a_crash_shows_where_in_the_program_it_happened(project: Project) -> None:
    project.program("def divide():\n    return 1 / 0\n\n\ndivide()\n")
    ran = project.run("preview")
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert f'File "{project.folder}/__main__.py", line 2, in divide' in said
    assert "ZeroDivisionError: division by zero" in said
    assert "language_host" not in said


def test_a_crash_inside_a_value_that_comes_later_fails_the_run_too(project: Project) -> None:
    project.program("import pulumi\npulumi.export('x', pulumi.Output.from_input(0).apply(lambda n: 1 / n))\n")
    ran = project.run("preview")
    assert ran.returncode != 0
    assert "division by zero" in ran.stdout + ran.stderr


def running(project: Project) -> tuple[int, int]:
    """Process ids of the host and of its parent, once the program runs."""
    wait_until((project.folder / "running").exists, 30, "the program's start")
    host, engine = (project.folder / "running").read_text().split()
    return int(host), int(engine)


def gone(process: int) -> bool:
    """Whether that process has ended (a zombie that nobody waits for has)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_host_ends_when_its_engine_is_killed(project: Project) -> None:
    project.program(BLOCKED)
    with project.start("preview") as engine:
        host, parent = running(project)
        assert parent == engine.pid
        engine.kill()
        wait_until(lambda: gone(host), 10, "the end of the language host")


def test_an_interrupted_run_ends_without_a_traceback_and_leaves_no_host(project: Project) -> None:
    project.program(BLOCKED)
    with project.start("up", "--yes", "--skip-preview") as engine:
        host, _ = running(project)
        engine.send_signal(signal.SIGINT)
        engine.send_signal(signal.SIGINT)
        said, _ = engine.communicate(timeout=60)
    assert engine.returncode != 0
    assert "Traceback" not in said
    wait_until(lambda: gone(host), 10, "the end of the language host")
