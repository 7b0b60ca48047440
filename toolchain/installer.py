"""Pulumi's own installer, through the SDK that brings it; a host that cannot be reached fails fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from toolchain.builder import VERSION
from toolchain.cache import Progress

CONNECT_SECONDS = 8
"""For reaching the download host; name resolution has its own limit in the system."""
INSTALL_SECONDS = 900
# In a process of its own: the SDK takes 0.2 s to import, its download has no time limit of its own
# (so every socket gets one here), and the installer is a shell script that must not outlive us.
_PROGRAM = """
import socket, sys
socket.setdefaulttimeout(float(sys.argv[3]))
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


def install(folder: Path, progress: Progress) -> bool:
    """Install the engine into ``folder``/bin; False, with a line that says why, where that fails."""
    progress(f"getting Pulumi {VERSION} with Pulumi's own installer (usually less than a minute)")
    command = [sys.executable, "-c", _PROGRAM, str(folder), VERSION, str(CONNECT_SECONDS)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        progress(f"Pulumi's installer did not finish in {INSTALL_SECONDS} s")
        return False
    if ran.returncode != 0:
        reason = (ran.stderr.strip() or "it gave no reason").splitlines()[-1]
        progress(f"Pulumi's installer cannot be used here: {reason}")
        return False
    return (folder / "bin" / "pulumi").exists()
