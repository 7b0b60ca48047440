"""The documents say what the code does: commands, options, exit codes, targets, suites, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import problem
from cli.main import reforge
from cli.stackfile import raw_values
from stacks.model import parse
from validation import suite
from validation.checks import kinds

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text()
_TYPED = re.compile(r"\breforge((?: --?(?:stack|project|s|C) \S+| --json| --debug)*) ([a-z]+)([^`\n|]*)")


def commands() -> dict[str, click.Command]:
    context = click.Context(reforge, resilient_parsing=True)
    found = {name: reforge.get_command(context, name) for name in reforge.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def options(command: click.Command) -> set[str]:
    names = (name for one in command.params for name in (*one.opts, *one.secondary_opts))
    return {name for name in names if name.startswith("--")} | {"--help"}


def typed(text: str) -> Iterator[tuple[str, str]]:
    """Each command that a document shows in code, with what follows it; continued lines are joined."""
    code = re.findall(r"```console\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    for part in code:
        for match in _TYPED.finditer(part.replace("\\\n", " ")):
            yield match[2], match[3].split("#")[0]


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented_with_all_of_its_options(name: str) -> None:
    assert f"`reforge {name}" in COMMAND_LINE
    missing = {option for option in options(commands()[name]) if option not in COMMAND_LINE}
    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists_with_its_options(document: Path) -> None:
    known = commands()
    for name, rest in typed(document.read_text()):
        assert name in known, f"{document.name}: reforge {name}"
        used = set(re.findall(r"(?<!\S)--[a-z-]+", rest))
        assert used <= options(known[name]), f"{document.name}: reforge {name}{rest}"


def test_the_documents_do_show_commands() -> None:
    shown = {name for document in DOCUMENTS for name, _rest in typed(document.read_text())}
    assert {"pause", "restore", "validate", "cutover", "rollback", "teardown", "shellenv"} <= shown


def test_the_exit_codes_are_the_documented_ones() -> None:
    section = COMMAND_LINE.split("## Exit codes")[1].split("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    errors: list[type[problem.Problem]] = [problem.Problem, *problem.Problem.__subclasses__()]
    assert {0, click.UsageError.exit_code, *(error.exit_code for error in errors)} <= documented


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = re.findall(r"(?:^|`)make ([a-z -]+?)(?= *[`#&\n])", document.read_text(), re.MULTILINE)
    assert {target for words in used for target in words.split()} <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_and_every_test_named_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (document.parent / link).exists()] == []
    tests = re.findall(r"`(tests/[\w/.]+)`", text)
    assert [path for path in tests if not (ROOT / path).exists()] == []


def test_every_kind_of_check_is_documented() -> None:
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs/validation.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(kinds())


def test_the_suites_shown_can_be_read() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/validation.md").read_text(), re.DOTALL)
    assert len(shown) > len(kinds())
    for text in shown:
        suite.parse(text if text.startswith("name:") else f"name: shown\nchecks:\n{text}")


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_template_of_a_stack_lacks_its_secrets_and_nothing_else(stack: str) -> None:
    path = ROOT / f"Pulumi.{stack}.yaml"
    raw = raw_values(path.read_text(), path)
    with pytest.raises(problem.Misuse) as refused:
        parse(raw)
    assert all(line.endswith(": is missing") for line in refused.value.what.splitlines())
    raw["source-url"] = {"secure": "v1:a"}
    for entry in raw["endpoints"]:
        if "pgbouncer" in entry:
            entry["pgbouncer"]["admin"] = {"secure": "v1:b"}
    assert parse(raw).serving == "source"
