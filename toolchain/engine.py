"""The Pulumi engine on any machine: on PATH, in our cache, by Pulumi's installer, or built here.

``find_engine`` only looks; ``get_engine`` fetches or builds where nothing is found. A new engine is
made in a folder of its own beside its place in the cache and renamed into it when it has answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from problem import Problem
from toolchain.builder import VERSION, build
from toolchain.cache import Progress, cache_folder, only_one
from toolchain.go import GO_MODULE
from toolchain.installer import install

OLDEST = "3.200.0"
"""An engine on PATH that is older is passed by: Reforge was never tried with one."""
HOST_FILES = ("pulumi-language-python", "language_host.py")
Origin = Literal["path", "cache", "installer", "built"]


@dataclass(frozen=True)
class Engine:
    """A `pulumi` that can run this project."""

    path: Path
    version: str
    """Without the v: "3.259.0"."""
    origin: Origin
    made: str = ""
    """How a cached engine once came: "installer" or "built"."""

    @property
    def description(self) -> str:
        """The origin for people: "path", "cache (built)"."""
        return f"{self.origin} ({self.made})" if self.made else self.origin


def find_engine() -> Engine | None:
    """The engine that is already here: on PATH, else in the cache; None where neither has one."""
    return _on_path() or _in_cache(_home())


def get_engine(progress: Progress = lambda _line: None) -> Engine:
    """The engine that is here, or a new one: Pulumi's installer first, else a build of a few minutes.

    Problem where none can be had, with the command that gets what is missing.
    """
    here = find_engine()
    if here:
        return here
    home = _home()
    with only_one("getting a Pulumi engine", home.parent, progress):
        return _in_cache(home) or _make(home, progress)


def engine_environment(engine: Engine) -> dict[str, str]:
    """What to add to the environment of an engine's run: its folder first on PATH, no update checks."""
    folder, path = str(engine.path.parent), os.environ.get("PATH", os.defpath)
    return {
        "PATH": os.pathsep.join([folder, path]),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
        "REFORGE_PYTHON": os.environ.get("REFORGE_PYTHON", sys.executable),
    }


def _home() -> Path:
    """Where the cache keeps the engine of this version, of these Go modules, for this machine."""
    digest = hashlib.sha256((GO_MODULE / "go.mod").read_bytes() + (GO_MODULE / "go.sum").read_bytes())
    kind = f"{platform.system()}-{platform.machine()}".lower()
    return cache_folder() / "engine" / f"{VERSION}-{kind}-{digest.hexdigest()[:12]}"


def _on_path() -> Engine | None:
    found = shutil.which("pulumi")
    if not found:
        return None
    path = Path(found)
    home = _home()
    if path.resolve().is_relative_to(home.parent.resolve()):  # a link to ours, as `make engine` lays one
        return _in_cache(home)
    version = _known_version(path) if _has_language_host(path) else None
    if version is None or _numbers(version) < _numbers(OLDEST):
        return None
    return Engine(path, version, "path")


def _has_language_host(path: Path) -> bool:
    folders = os.pathsep.join([str(path.parent), str(path.resolve().parent), os.environ.get("PATH", "")])
    return shutil.which("pulumi-language-python", path=folders) is not None


def _in_cache(home: Path) -> Engine | None:
    try:
        facts = json.loads((home / "engine.json").read_text())
    except (OSError, ValueError):
        return None
    path = home / "bin" / "pulumi"
    if not os.access(path, os.X_OK):
        return None
    if facts["origin"] == "built":
        _lay_language_host(path.parent)
    return Engine(path, facts["version"], "cache", facts["origin"])


def _make(home: Path, progress: Progress) -> Engine:
    for leftover in home.parent.glob(".making-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=home.parent) as workshop:
        folder = Path(workshop) / "engine"
        origin: Origin = "installer" if install(folder, progress) else "built"
        if origin == "built":
            build(folder, progress)
            _lay_language_host(folder / "bin")
        version = engine_version(folder / "bin" / "pulumi")
        if version is None:
            what = f"The new Pulumi engine ({origin}) does not answer `pulumi version`."
            raise Problem("engine-broken", what, "Look for what the machine lacks: reforge doctor")
        (folder / "engine.json").write_text(json.dumps({"version": version, "origin": origin}))
        shutil.rmtree(home, ignore_errors=True)
        folder.rename(home)
    return Engine(home / "bin" / "pulumi", version, origin)


def _lay_language_host(folder: Path) -> None:
    """Copy our language host beside the engine, where its copy is missing or another version's."""
    for name in HOST_FILES:
        source, copy = GO_MODULE.parent / name, folder / name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            continue
        with contextlib.suppress(PermissionError):  # a read-only cache keeps the copy it was given
            fresh = Path(shutil.copy(source, folder / f".{name}.{os.getpid()}"))
            fresh.replace(copy)


def engine_version(path: Path) -> str | None:
    """What `pulumi version` says, without the v; None where the program does not answer so."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        ran = subprocess.run([path, "version"], env=environment, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = re.fullmatch(r"v?(\d+\.\d+\.\d+\S*)", ran.stdout.strip())
    return said[1] if said and ran.returncode == 0 else None


def _known_version(path: Path) -> str | None:
    """The version of the engine on PATH, remembered for as long as the file stays the same.

    Asking costs 0.15 s, which every command would pay.
    """
    state = path.stat()
    key = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
    memory = cache_folder() / "path-engine.json"
    with contextlib.suppress(OSError, ValueError, AttributeError):
        known = json.loads(memory.read_text()).get(key)
        if isinstance(known, str):
            return known
    version = engine_version(path)
    if version:
        with contextlib.suppress(OSError):
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.write_text(json.dumps({key: version}))
    return version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def main() -> int:
    """Get the engine for a Makefile: progress on stderr, and a link beside this Python for bare use."""
    try:
        engine = get_engine(lambda line: print(line, file=sys.stderr, flush=True))
    except Problem as problem:
        print(f"{problem.what}\n{problem.cure}", file=sys.stderr)
        return problem.exit_code
    print(f"Pulumi engine {engine.version}: {engine.path} [{engine.description}]", file=sys.stderr)
    link = Path(sys.executable).with_name("pulumi")
    if engine.origin != "path" and (link.is_symlink() or not link.exists()):
        link.unlink(missing_ok=True)
        link.symlink_to(engine.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
