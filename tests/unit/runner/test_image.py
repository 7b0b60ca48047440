"""The Dockerfile, which no test can build: what it copies is there and enough, its command is the Job's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dbrestore.jobs.manifest import COMMAND

ROOT = Path(__file__).parents[3]
_IMPORTED = """
import json, sys
from importlib.metadata import packages_distributions
import runner.pod, runner.loads, runner.validations
import s3fs, gcsfs  # what fsspec imports by a URL
from validation.checks import kinds
kinds()
names = {name.split(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
known = packages_distributions()
print(json.dumps({name: known.get(name, []) for name in names - sys.stdlib_module_names}))
"""
_COMES_ALONG = {"_distutils_hack", "blinker", "click", "coverage", "pygments", "rich"}
"""What some packages import only where it happens to be."""


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def last(instructions: list[tuple[str, str]], word: str) -> str:
    return [rest for name, rest in instructions if name == word][-1]


def copied(instructions: list[tuple[str, str]]) -> set[str]:
    own = [rest.split()[:-1] for word, rest in instructions if word == "COPY" and "--from" not in rest]
    return {name for names in own for name in names}


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Top-level modules that a pod's work imports, with the packages that they are of."""
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_its_command_is_the_jobs_command(instructions: list[tuple[str, str]]) -> None:
    assert json.loads(last(instructions, "ENTRYPOINT")) == [*COMMAND]


def test_what_it_copies_is_there_and_not_ignored(instructions: list[tuple[str, str]]) -> None:
    names = copied(instructions)
    assert [name for name in names if not (ROOT / name).exists()] == []
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == let_in


def test_it_has_all_of_ours_that_a_pod_imports(
    instructions: list[tuple[str, str]], imported: dict[str, list[str]]
) -> None:
    names = {name.removesuffix(".py") for name in copied(instructions)}
    ours = {name for name in imported if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}
    assert {"runner", "problem", "dbrestore", "validation"} <= ours <= names


def test_its_lock_has_all_that_a_pod_imports_in_the_versions_of_the_main_lock(
    imported: dict[str, list[str]],
) -> None:
    locked, main = versions("requirements-runner.lock"), versions("requirements.lock")
    foreign = {name: names for name, names in imported.items() if names and name not in _COMES_ALONG}
    lacking = {
        name: names
        for name, names in foreign.items()
        if not {one.lower().replace("_", "-") for one in names} & locked.keys()
    }
    assert lacking == {}
    assert {"psycopg", "s3fs", "gcsfs", "pydantic"} <= foreign.keys()
    assert {name: main.get(name) for name in locked} == locked
    assert not {"pulumi", "boto3", "kubernetes"} & locked.keys(), "a pod manages nothing"


def versions(lock: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9.-]+)(?:\[.*?\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(found)


def test_it_runs_as_a_numbered_user_that_is_not_root(instructions: list[tuple[str, str]]) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last(instructions, "USER"))


def test_packages_come_by_their_digests_and_the_last_stage_can_build_nothing(
    instructions: list[tuple[str, str]],
) -> None:
    begin = max(number for number, (word, _rest) in enumerate(instructions) if word == "FROM")
    installing = [rest for word, rest in instructions[:begin] if word == "RUN" and " install " in rest]
    assert any("--require-hashes" in rest and "--only-binary :all:" in rest for rest in installing)
    final = " ".join(rest for word, rest in instructions[begin:] if word == "RUN")
    assert not re.search(r"\bpip\b|build-essential|\bgcc\b|-dev\b", final)


def test_it_brings_no_variable_but_path(instructions: list[tuple[str, str]]) -> None:
    assert [rest.partition("=")[0] for word, rest in instructions if word == "ENV"] == ["PATH"]
