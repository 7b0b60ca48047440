"""Builds the Pulumi engine from the Go module proxy, for machines that reach nothing else."""

from __future__ import annotations

import collections
import re
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from problem import Problem
from toolchain.cache import NOTICE_SECONDS, Progress
from toolchain.go import GO_MODULE, find_go, go_environment

VERSION = "3.259.0"
"""Of the engine that toolchain/engine/go.mod pins, and of the SDK in requirements.lock."""
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PACKAGES = 1685
"""How many packages a build from nothing compiles, for the progress lines (`go list -deps`)."""
USUAL = "usually 4 to 8 minutes on two cores; Go's own caches take about 3 GB"


def build(folder: Path, progress: Progress) -> None:
    """Compile the engine to ``folder``/bin/pulumi. Problems: go-missing, go-too-old, engine-build-failed."""
    command = build_command(find_go(), folder / "bin" / "pulumi")
    progress(f"building Pulumi {VERSION} from its Go modules ({USUAL})")
    tally = Tally()
    with subprocess.Popen(
        command,
        cwd=GO_MODULE,
        env=go_environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            _watch(process, tally, progress)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        what = f"Building the Pulumi engine failed: {' / '.join(tally.others) or 'go gave no reason'}"
        cure = "Check GOPROXY (`go env GOPROXY`) and the free disk, then: make engine"
        raise Problem("engine-build-failed", what, cure)


def build_command(go: Path, output: Path) -> list[str]:
    """The build as Pulumi's releases do it: no paths, no symbols, the version stamped in."""
    flags = ["-v", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags"]
    stamp = f"-s -w -X {VERSION_VARIABLE}=v{VERSION}"
    return [str(go), "build", *flags, stamp, "-o", str(output), PACKAGE]


@dataclass
class Tally:
    """What go's lines told so far."""

    fetched: int = 0
    """Modules."""
    compiled: int = 0
    """Packages."""
    others: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=5))
    """The last lines that were neither: the reason, where a build fails."""

    def take(self, lines: Iterable[str]) -> None:
        """Count the lines of `go build -v` as they come."""
        for line in lines:
            if line.startswith("go: downloading "):
                self.fetched += 1
            elif re.fullmatch(r"[\w.~/@-]+\n", line):
                self.compiled += 1
            else:
                self.others.append(line.strip())

    def told(self, elapsed: float) -> str:
        """One line of how far the build is, after ``elapsed`` seconds."""
        clock = f"{int(elapsed) // 60}:{int(elapsed) % 60:02d}"
        if not self.compiled:
            return f"  {clock}  fetching modules: {self.fetched} so far"
        percent = min(100, self.compiled * 100 // PACKAGES)
        return f"  {clock}  compiling: {self.compiled} of at most {PACKAGES} packages ({percent} %)"


def _watch(process: subprocess.Popen[str], tally: Tally, progress: Progress) -> None:
    """Until go ends, tell every while how far it is; also while it is silent."""
    started = time.monotonic()
    reader = threading.Thread(target=tally.take, args=(process.stderr,), daemon=True)
    reader.start()
    while True:
        try:
            process.wait(NOTICE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            progress(tally.told(time.monotonic() - started))
    reader.join()
