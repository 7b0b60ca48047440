"""docs/errors.md holds every error that the code can raise, once, with its exit code, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.explanations import DOCUMENT, Entry, entries

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "archive",
    "cli",
    "dbrestore",
    "finding",
    "rehearsal",
    "runner",
    "stacks",
    "toolchain",
    "validation",
)
_THROUGH_THE_ENGINE = "dbrestore"
"""What this package raises reaches its reader through the engine, which knows one kind of failure."""


class Site(NamedTuple):
    """A place in the code that gives an error its name."""

    name: str
    code: int
    place: str


@dataclass(frozen=True)
class Kinds:
    """The error classes of the code: name -> exit code."""

    codes: dict[str, int]

    @classmethod
    def of(cls, trees: Iterable[ast.Module]) -> Kinds:
        """Problem and all that derives from it, however deep; a class takes its base's exit code."""
        classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        codes = {"Problem": 1}
        while found := [one for one in classes if one.name not in codes and _bases(one) & codes.keys()]:
            for one in found:
                inherited = next(codes[base] for base in _bases(one) if base in codes)
                codes[one.name] = _own_code(one) or inherited
        return cls(codes)

    def sites(self, tree: ast.Module, file: str) -> Iterator[Site]:
        """Every call that names an error; AssertionError where the name is computed."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                function, first = _called(node), node.args[0]
                place = f"{file}:{node.lineno}"
                if function in self.codes and not _passed_on(function, first):
                    code = 1 if file.startswith(_THROUGH_THE_ENGINE) else self.codes[function]
                    yield Site(_literal(first, place), code, place)
                elif function == "failure":  # the screen's own word for a wrong command line
                    yield from ([Site(str(first.value), 2, place)] if isinstance(first, ast.Constant) else [])


def _bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).rpartition(".")[2] for base in node.bases}


def _own_code(node: ast.ClassDef) -> int | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "exit_code":
            return int(ast.literal_eval(line.value))
    return None


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _passed_on(function: str, first: ast.expr) -> bool:
    """Whether the name is that of another problem, which has its own place in the code."""
    text = ast.unparse(first)
    return function == "PartlyMade" or text.endswith((".name", "['name']"))


def _literal(first: ast.expr, place: str) -> str:
    assert isinstance(first, ast.Constant), (
        f"{place}: the name of an error is computed ({ast.unparse(first)}); write it as text in the call, "
        "so that whoever searches for it finds it"
    )
    return str(first.value)


def code_sites() -> list[Site]:
    files = [ROOT / "problem.py", *(file for one in PACKAGES for file in sorted((ROOT / one).rglob("*.py")))]
    trees = {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}
    kinds = Kinds.of(trees.values())
    return [site for file, tree in trees.items() for site in kinds.sites(tree, file)]


@pytest.fixture(scope="module")
def raised() -> dict[str, list[Site]]:
    """The code's errors by name."""
    found: dict[str, list[Site]] = {}
    for site in code_sites():
        found.setdefault(site.name, []).append(site)
    return found


@pytest.fixture(scope="module")
def documented() -> dict[str, Entry]:
    return entries()


def exit_line(sites: Iterable[Site]) -> str:
    """How the first line of an entry begins."""
    return f"Exit {' or '.join(str(code) for code in sorted({site.code for site in sites}))}."


def skeleton(sites: list[Site]) -> str:
    """The entry to add, as far as the code knows it."""
    places = ", ".join(site.place for site in sites)
    words = f"{exit_line(sites)} What it means.\n\n- Cause: why it happens.\n- Cure: what to do."
    return f"\n### {sites[0].name}\n\n{words}\n\n(raised in {places})"


def fail_with(message: str, found: Sized) -> None:
    """Words alone: whoever added an error needs the lines to add, not where this test stands."""
    if len(found):
        pytest.fail(message, pytrace=False)


def test_every_error_of_the_code_is_documented(
    raised: dict[str, list[Site]], documented: dict[str, Entry]
) -> None:
    missing = [sites for name, sites in sorted(raised.items()) if name not in documented]
    told = "\n".join(skeleton(sites) for sites in missing)
    fail_with(f"Add to docs/errors.md, each in the section where its reader would look:\n{told}", missing)


def test_no_entry_is_without_code(raised: dict[str, list[Site]], documented: dict[str, Entry]) -> None:
    told = [f"line {one.line}: {name}" for name, one in documented.items() if name not in raised]
    fail_with(f"Take out of docs/errors.md what no code raises any more: {'; '.join(told)}", told)


def test_every_entry_has_the_exit_codes_of_the_code(
    raised: dict[str, list[Site]], documented: dict[str, Entry]
) -> None:
    both = [(documented[name], exit_line(sites)) for name, sites in raised.items() if name in documented]
    wrong = [f"line {one.line + 2}: {one.name}: {line}" for one, line in both if one.codes != line]
    fail_with("Correct in docs/errors.md:\n" + "\n".join(wrong), wrong)


def test_every_entry_says_what_it_means_its_cause_and_its_cure(documented: dict[str, Entry]) -> None:
    for one in documented.values():
        assert len(one.meaning) > 20, f"docs/errors.md, {one.name}: what does it mean?"
        assert one.cause, f"docs/errors.md, {one.name}: its cause?"
        assert one.cure, f"docs/errors.md, {one.name}: its cure?"


def test_no_name_has_two_entries(documented: dict[str, Entry]) -> None:
    headings = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("### ")]
    assert len(headings) == len(documented)


def test_a_computed_name_is_refused() -> None:
    tree = ast.parse("def f(name):\n    raise Refusal(name, 'what', 'cure')")
    with pytest.raises(AssertionError, match="somewhere:2: the name of an error is computed"):
        list(Kinds({"Refusal": 3}).sites(tree, "somewhere"))


def test_subclasses_count_with_the_code_that_they_inherit_or_set() -> None:
    tree = ast.parse("class A(Problem): pass\nclass B(A):\n    exit_code = 7\nA('a', '')\nB('b', '')")
    found = Kinds.of([tree]).sites(tree, "cli/x.py")
    assert [(site.name, site.code) for site in found] == [("a", 1), ("b", 7)]


def test_a_problem_that_passes_on_anothers_name_adds_none() -> None:
    tree = ast.parse("Problem(error.name, what)\nPartlyMade(problem, identity, state)\nProblem(m['name'], w)")
    assert list(Kinds({"Problem": 1, "PartlyMade": 1}).sites(tree, "cli/x.py")) == []
