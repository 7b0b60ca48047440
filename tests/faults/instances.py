"""A server in a data directory, as an operator starts, stops and removes it by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rehearsal.site import Site
from tests.support.ground import as_account
from toolchain.accounts import server_account


def owner() -> tuple[int, int]:
    """The account of the servers, by its numbers."""
    who = server_account()
    return (who.uid, who.gid) if who else (os.getuid(), os.getgid())


def run_as_server(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **as_account())
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def start(site: Site, instance: Path) -> None:
    """As an operator starts it again."""
    tool = str(site.binaries.tool("pg_ctl"))
    run_as_server([tool, "start", "-w", "-D", str(instance), "-l", str(instance / "reforge-server.log")])


def stop(site: Site, instance: Path, mode: str = "fast") -> None:
    run_as_server([str(site.binaries.tool("pg_ctl")), "stop", "-w", "-m", mode, "-D", str(instance)])


def remove(path: Path) -> None:
    """Whatever it is."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
