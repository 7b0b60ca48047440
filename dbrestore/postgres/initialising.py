"""A new, empty cluster by initdb, in a folder that holds our mark already."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from dbrestore.postgres import settings
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.configuring import AUTO, own
from problem import Problem
from toolchain.accounts import popen_as

_FRESH = "initdb.new"


def initialise(cluster: Cluster, checksums: bool) -> None:
    """Run initdb with the superuser ``cluster.user``, who comes in by the private socket only.

    The locale is C.UTF-8; the dump's database gets its own. Problem ``initdb-failed``.
    """
    fresh = cluster.directory / _FRESH
    words = [str(cluster.binaries.tool("initdb")), "-D", str(fresh), "-U", cluster.user, "--no-sync"]
    words += [
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=reject",
        *(["--data-checksums"] if checksums else []),
    ]
    ran = subprocess.run(
        words, capture_output=True, text=True, cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, **popen_as(cluster.account),
    )  # fmt: skip
    if ran.returncode:
        what = f"No new cluster could be made in {cluster.directory}: {ran.stderr.strip()}"
        raise Problem("initdb-failed", what, "Mend what initdb says, then run the same command again.")
    for entry in fresh.iterdir():
        entry.rename(cluster.directory / entry.name)
    fresh.rmdir()
    # Whoever may connect stands in a file of ours; this one would be taken for the original's.
    (cluster.directory / "pg_hba.conf").unlink()


def configure(cluster: Cluster, listen: str, overrides: Mapping[str, str]) -> None:
    """The settings that it runs with, in postgresql.auto.conf."""
    values = settings.quarantine(cluster.directory, "") | {
        "listen_addresses": listen,
        "port": str(cluster.port),
        "unix_socket_directories": str(cluster.socket_directory),
        "unix_socket_permissions": "0700",
    }
    own(cluster.directory / AUTO, settings.merged("", {**values, **overrides}), cluster.account)


def closed_hba(cluster: Cluster) -> None:
    """Nobody but the server's own account, by the private socket.

    The server listens all the same: a port that nothing listens on is soon another's.
    """
    own(cluster.directory / settings.HBA_FILE, settings.hba([], []), cluster.account)
