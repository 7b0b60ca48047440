"""Writes what a restored instance runs with into its data directory, and starts it with that."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from archive.control import read_control
from archive.formats.contents import WAL
from archive.proof import Proof
from dbrestore.postgres import lookout, settings, spool
from dbrestore.postgres.cluster import START_SECONDS, Cluster, Unanswered
from dbrestore.postgres.durability import hurried
from dbrestore.postgres.inputs import InstanceInputs
from problem import Problem
from toolchain.accounts import Account

AUTO = "postgresql.auto.conf"
_FINISHED = "reforge-finished.conf"
"""What that file will be once the instance is finished."""


def check_folder(directory: Path) -> None:
    """Problem ``folder-unusable`` where a data directory could not be made: a preview knows it already."""
    place = next(one for one in directory.parents if one.exists())
    why = "" if os.access(place, os.W_OK) else "cannot be written to: rights, or a read-only file system"
    if why or not place.is_dir():
        what = f"{place}, where restored instances go, {why or 'is no folder'}."
        cure = "Mend that, or choose another folder: reforge:source.directory in the stack's config."
        raise Problem("folder-unusable", what, cure)


def make_folder(directory: Path, owner: Account | None) -> bool:
    """Make a data directory that only the server's account may enter; tells whether its parent is new too."""
    made_parent = not directory.parent.exists()
    for folder, mode in ((directory.parent, 0o755), (directory, 0o700)):
        if not folder.exists():
            folder.mkdir(mode=mode)
            if owner:
                os.chown(folder, owner.uid, owner.gid)
    return made_parent


def configure(cluster: Cluster, inputs: InstanceInputs, proof: Proof) -> None:
    """Quarantine, recovery target and addresses, before the server's first start."""
    directory, target = cluster.directory, inputs.until.target()
    main = _text(directory / "postgresql.conf")
    auto = _text(directory / AUTO)
    libraries = settings.value_of([main, auto], "shared_preload_libraries")
    lasting = (
        {name: str(value) for name, value in read_control(directory, cluster.binaries).minimums.items()}
        | settings.quarantine(directory, libraries)
        | {
            "listen_addresses": inputs.listen,
            "port": str(cluster.port),
            "unix_socket_directories": str(cluster.socket_directory),
            "unix_socket_permissions": "0700",
        }
    )
    own(directory / "postgresql.conf", main, cluster.account)
    recovery = settings.recovery_target(target, proof.chain.timeline) | {
        "restore_command": _supply(proof, cluster),
        "hot_standby": "on",
    }
    finished = settings.without(auto, ("recovery_target", "restore_command"))
    own(directory / _FINISHED, settings.merged(finished, lasting), cluster.account)
    size, wal = sum(one.size for one in proof.backup.chain), len(proof.needed) * proof.backup.segment_size
    hurry = hurried(size, wal, cluster.binaries.major)
    own(directory / AUTO, settings.merged(auto, lasting | recovery | hurry), cluster.account)
    own(directory / "recovery.signal", "", cluster.account)
    write_hba(cluster, inputs)


def write_hba(cluster: Cluster, inputs: InstanceInputs) -> None:
    """Who may connect: the operators, and the application once it may."""
    application: list[str] = []
    if inputs.access == "application":
        path = cluster.directory / "pg_hba.conf"
        original = _text(path) if path.exists() else None
        application = settings.application_lines(original, list(inputs.clients))
    own(
        cluster.directory / settings.HBA_FILE,
        settings.hba(list(inputs.operators), application),
        cluster.account,
    )


def write_port(cluster: Cluster, port: int) -> None:
    """Another port, from the next start on."""
    path = cluster.directory / AUTO
    own(path, settings.merged(_text(path), {"port": str(port)}), cluster.account)


def start_and_wait(cluster: Cluster) -> None:
    """Start a finished instance and wait until it takes connections."""
    cluster.start()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with cluster.connect():
                return
        except Unanswered:
            if not cluster.running:
                break
            time.sleep(0.05)
    raise Problem("start-failed", f"The server of {cluster.directory} does not come up.", cluster.complaint())


def left_out_libraries(directory: Path) -> list[str]:
    """Libraries of the original that quarantine keeps from loading."""
    original = settings.value_of([_text(directory / "postgresql.conf")], "shared_preload_libraries")
    return sorted(name for name in settings.SIDE_EFFECT_LIBRARIES if name in original)


def leave_recovery_settings(directory: Path) -> None:
    """Nothing of the recovery stays in the configuration of the finished instance."""
    with suppress(FileNotFoundError):  # done already, by a run that was killed after it
        (directory / _FINISHED).replace(directory / AUTO)


def _supply(proof: Proof, cluster: Cluster) -> str:
    """Link the WAL that may be linked; gives the restore_command, which waits for what was not read yet.

    That is the spool's where there is no folder that all WAL lies in as PostgreSQL needs it.
    """
    archive = proof.chain.archive.folder
    if archive is None:
        return spool.COMMAND
    lookout.post(cluster.directory, proof, cluster.account)
    writable = _writable(archive, cluster.account)
    if writable:
        _link_wal(proof, archive, cluster.directory / WAL)
    return settings.restore_command(archive, writable, beyond(proof))


def beyond(proof: Proof) -> str:
    """The segment that the latest state ends before, which may be archived any moment; else nothing."""
    return proof.chain.following.name if proof.target.kind == "latest" else ""


def ending(proof: Proof) -> Proof:
    """The proof with the archive as it is now, where that is what the restore ends with."""
    if not (end := beyond(proof)):
        return proof
    return replace(proof, chain=replace(proof.chain, archive=proof.chain.archive.before(end)))


def _link_wal(proof: Proof, archive: Path, folder: Path) -> None:
    """What is known to be needed, at once: each link that PostgreSQL asks for takes it milliseconds."""
    for segment in proof.needed:
        link, source = folder / segment.name, archive / segment.name
        if source.exists() and not os.path.lexists(link):
            link.symlink_to(source)


def is_fed(directory: Path) -> bool:
    """Whether recovery takes its WAL from the spool, as ``configure`` decided."""
    return settings.value_of([_text(directory / AUTO)], "restore_command") == spool.COMMAND


def _writable(archive: Path, who: Account | None) -> bool:
    """Whether the server may open the archive's files for writing, as its fsync of a link needs."""
    sample = next((path for path in archive.iterdir() if len(path.name) == 24), None)
    if sample is None:
        return False
    if who is None:
        return os.access(sample, os.W_OK)
    found = sample.stat()
    return (found.st_uid == who.uid and bool(found.st_mode & 0o200)) or bool(found.st_mode & 0o002)


def _text(path: Path) -> str:
    """A file's text; the original's may be in any encoding, and is written back byte for byte."""
    return path.read_text("utf-8", "surrogateescape") if path.exists() else ""


def own(path: Path, text: str, owner: Account | None) -> None:
    """Write a file that only the server's account may read; what a link leads to stays as it is."""
    if path.is_symlink():
        path.unlink()
    path.write_text(text, "utf-8", "surrogateescape")
    path.chmod(0o600)
    if owner:
        os.chown(path, owner.uid, owner.gid)
