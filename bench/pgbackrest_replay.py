"""Replay / replay through pgBackRest's asynchronous archive-get. Goal: 1.3 times as fast."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.by_hand import copied, recovered
from bench.paired import alternated
from bench.restoring import restore
from bench.site import Site
from tests.support.ground import run as run_as_servers


def run(site: Site, runs: int) -> Iterator[str]:
    """The repository holds the same segments uncompressed, which is the fastest way for it."""
    if shutil.which("pgbackrest") is None:
        yield "replay / pgBackRest: skipped, pgbackrest is not installed"
        return
    site.fill()
    config = _repository(site)
    pairs = alternated(lambda: restore(site, "time", site.target), lambda: _theirs(site, config), runs)
    yield pairs["replay"].speed("replay / pgBackRest archive-get, async")


def _theirs(site: Site, config: Path) -> dict[str, float]:
    data = copied(site, "pgbackrest")
    command = f'pgbackrest --config={config} --stanza=main --pg1-path={data} archive-get %f "%p"'
    try:
        with recovered(site, data, command) as replay:
            return {"replay": replay}
    finally:
        site.remove(site.place / "spool")
        site.folder("spool")


def _repository(site: Site) -> Path:
    """A repository with all the source's WAL."""
    config = site.folder("pgbackrest") / "pgbackrest.conf"
    folders = {name: site.folder(name) for name in ("repo", "spool", "locks", "logs")}
    config.write_text(
        f"[global]\nrepo1-path={folders['repo']}\nspool-path={folders['spool']}\nlock-path={folders['locks']}\n"
        f"log-path={folders['logs']}\ncompress-type=none\narchive-async=y\nprocess-max=2\n"
        "log-level-console=warn\n"
        f"[main]\npg1-path={site.data}\npg1-user=postgres\npg1-socket-path={site.data.parent}\n"
    )
    common = ["pgbackrest", f"--config={config}", "--stanza=main"]
    with site.server() as server:
        run_as_servers([*common, f"--pg1-port={server.port}", "--no-online", "stanza-create"])
    for segment in sorted(site.archive.iterdir()):
        if len(segment.name) == 24:
            run_as_servers([*common, "--no-archive-async", "archive-push", str(segment)])
    return config
