"""``dbrestore:postgres:Instance``: a new PostgreSQL instance restored from a base backup and WAL."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from archive.backups import list_backups, verify
from archive.commits import last_record
from archive.lsn import format_lsn
from archive.proof import Proof, prove
from archive.segments import Archive
from dbrestore.handler import Context, Handler, PartlyMade, State
from dbrestore.postgres import configuring
from dbrestore.postgres.cluster import Cluster, free_port, in_use, socket_directory
from dbrestore.postgres.copying import copy_backup
from dbrestore.postgres.inputs import InstanceInputs
from dbrestore.postgres.mark import Mark, new_mark, own_mark
from dbrestore.postgres.recovery import (
    bootstrap_superuser,
    recover,
    run_checkpoint,
    silence_subscriptions,
)
from problem import Problem, Refusal
from toolchain.accounts import Account, account, server_account
from toolchain.postgres import Binaries, find_binaries

_ADD_ANOTHER = "a restored instance is never rebuilt in place; add another restore under a new name"


class Instance(Handler):
    """See ``InstanceInputs``. The identity of an instance is its data directory."""

    token = "dbrestore:postgres:Instance"  # noqa: S105 - a type's name
    inputs = InstanceInputs
    fixed: ClassVar = {name: _ADD_ANOTHER for name in ("name", "directory", "until", "runAs")}

    def examine(self, context: Context, inputs: InstanceInputs) -> None:
        """The quick part of the proof. Work of ours that lies there already was proven, and is continued."""
        if own_mark(inputs.directory, context.urn) is None:
            _reachable(inputs)
            if inputs.port:
                _free(inputs.listen, inputs.port)

    def create(self, context: Context, inputs: InstanceInputs) -> tuple[str, State]:
        mark = own_mark(inputs.directory, context.urn)
        if mark and mark.phase == "ready" and mark.until != _words(inputs):
            what = f"{inputs.directory} holds a finished restore to {mark.until}, not to {_words(inputs)}."
            raise Refusal("another-restore", what, "Give this restore another name.")
        return str(inputs.directory), self._make(context, inputs, mark)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        directory = Path(identity)
        mark = own_mark(directory, context.urn)
        if mark is None:
            return None
        if not state:
            return {
                "directory": identity,
                "status": mark.phase,
                "serving": mark.serving,
                "boundPort": mark.port,
            }
        alive = _cluster_of(mark, state.get("runAs"), state).running
        return state | {"status": "ready" if alive and mark.phase == "ready" else _status(mark, alive)}

    def update(self, context: Context, identity: str, state: State, inputs: InstanceInputs) -> State:
        mark = own_mark(inputs.directory, context.urn)
        if mark is None or mark.phase != "ready":
            return self._make(context, inputs, mark)
        cluster = _cluster_of(mark, inputs.run_as, inputs.wire())
        mark = replace(mark, serving=inputs.serving).write()
        configuring.write_hba(cluster, inputs)
        if inputs.port and inputs.port != mark.port:
            mark = replace(mark, port=inputs.port).write()
            configuring.write_port(cluster, inputs.port)
            cluster.stop()
            cluster = replace(cluster, port=inputs.port)
        cluster.reload() if cluster.running else configuring.start_and_wait(cluster)
        return {**state, **inputs.wire(), "boundPort": mark.port, "status": "ready"}

    def delete(self, context: Context, identity: str, state: State) -> None:
        directory = Path(identity)
        mark = own_mark(directory, context.urn)
        if mark is None:
            return
        if mark.serving or state.get("serving"):
            what = f"{directory.name} serves the application; it is not removed."
            raise Refusal("still-serving", what, "Roll back or cut over to another instance first.")
        mark.at("deleting").write()
        context.progress(f"stopping the server of {directory.name}")
        _cluster_of(mark, state.get("runAs"), state).stop()
        context.progress(f"removing {directory}")
        _remove(directory, mark)

    def drift(self, state: State, inputs: object) -> frozenset[str]:
        return frozenset() if state.get("status") == "ready" else frozenset({"status"})

    def _make(self, context: Context, inputs: InstanceInputs, mark: Mark | None) -> State:
        """From nothing, or from where a killed run stopped, to a promoted instance in quarantine.

        A failure leaves nothing behind; an interruption leaves work that the next run continues.
        """
        begun = datetime.now(UTC)
        proof = _proven(inputs, context)
        who = _account(inputs)
        mark = self._claim(context, inputs, mark, who)
        cluster = _cluster(mark, find_binaries(proof.backup.version_major), who, inputs.source.user)
        try:
            if mark.phase == "copying":
                size = copy_backup(proof.backup.path, inputs.directory, who, context)
                context.progress(f"copied {size} bytes; writing the settings of the new instance")
                configuring.configure(cluster, inputs, proof)
                mark = mark.at("recovering").write()
            if mark.phase == "recovering":
                reached = recover(cluster, inputs.until.target(), _reach(proof), context)
                context.progress(f"promoted at {format_lsn(reached.lsn)}")
                commit = reached.last_commit.isoformat() if reached.last_commit else ""
                mark = replace(mark, reached_lsn=format_lsn(reached.lsn), reached_time=commit).write()
            quarantined = self._settle(cluster)
        except Problem as problem:
            raise _kept_or_cleaned(problem, inputs, mark, cluster) from problem
        mark = mark.at("ready").write()
        seconds = (datetime.now(UTC) - begun).total_seconds()
        return _state(inputs, proof, mark, cluster) | {
            "quarantined": quarantined,
            "restoredInSeconds": seconds,
        }

    def _claim(
        self, context: Context, inputs: InstanceInputs, mark: Mark | None, who: Account | None
    ) -> Mark:
        """Our mark in the new folder before anything else is; stale half-made work is cleared first."""
        if mark and (mark.until != _words(inputs) or mark.phase in ("copying", "deleting")):
            context.progress("clearing half-made work of an earlier run")
            _remove(inputs.directory, mark)
            mark = None
        if mark:
            return mark
        port = inputs.port or free_port(inputs.listen)
        _free(inputs.listen, port)
        made_parent = configuring.make_folder(inputs.directory, who)
        fresh = new_mark(context.urn, inputs.directory, _words(inputs))
        sockets = str(socket_directory(inputs.directory))
        return replace(fresh, port=port, made_parent=made_parent, socket_directory=sockets).write()

    def _settle(self, cluster: Cluster) -> dict[str, list[str]]:
        superuser = bootstrap_superuser(cluster)
        silenced = silence_subscriptions(cluster, superuser)
        run_checkpoint(cluster, superuser)
        configuring.leave_recovery_settings(cluster.directory, cluster.account)
        cluster.reload()
        return {"subscriptions": silenced, "libraries": configuring.left_out_libraries(cluster.directory)}


def _state(inputs: InstanceInputs, proof: Proof, mark: Mark, cluster: Cluster) -> State:
    return inputs.wire() | {
        "host": inputs.listen,
        "boundPort": mark.port,
        "status": "ready",
        "backup": proof.backup.name,
        "reachedLsn": mark.reached_lsn,
        "reachedTime": mark.reached_time,
        "postgresVersion": cluster.binaries.version,
    }


def _proven(inputs: InstanceInputs, context: Context) -> Proof:
    """Nothing is copied before the backup is known to be whole and the WAL to reach the target."""
    context.progress("proving that the WAL reaches the target")
    proof, binaries = _reachable(inputs)
    for note in proof.notes:
        context.progress(note)
    verify(proof.backup, binaries, context.progress)
    return proof


def _reachable(inputs: InstanceInputs) -> tuple[Proof, Binaries]:
    """The quick proof, and the programs that read what it names."""
    backups = list_backups(inputs.source.backups)
    binaries = find_binaries(next((one.version_major for one in reversed(backups.usable)), None))
    archive = Archive.scan(inputs.source.archive, inputs.source.data_directory)
    return prove(backups, archive, inputs.until.target(), binaries, datetime.now(UTC)), binaries


def _free(host: str, port: int) -> None:
    if in_use(host, port):
        what = f"Port {port} on {host} is taken by something that is not this restore."
        raise Problem("port-taken", what, "Give the restore another port, or none to have a free one chosen.")


def _reach(proof: Proof) -> tuple[int, int]:
    """Where replay begins, and the position that it comes to at the latest."""
    if proof.target.kind == "latest":
        return proof.backup.start_lsn, last_record(
            proof.chain, find_binaries(proof.backup.version_major)
        ) or 0
    last = proof.needed[-1]
    return proof.backup.start_lsn, last.start_lsn + last.size


def _words(inputs: InstanceInputs) -> str:
    until = inputs.until
    return f"{until.kind} {until.value or ''}".strip() + ("" if until.inclusive else " exclusive")


def _account(inputs: InstanceInputs) -> Account | None:
    if os.geteuid() != 0:
        return None
    if inputs.run_as:
        return account(inputs.run_as)
    owner = inputs.source.archive.owner()
    return account(owner) if owner != "root" else server_account()


def _cluster(mark: Mark, binaries: Binaries, who: Account | None, user: str) -> Cluster:
    return Cluster(Path(mark.directory), binaries, who, mark.port, Path(mark.socket_directory), user)


def _cluster_of(mark: Mark, run_as: str | None, state: State) -> Cluster:
    directory = Path(mark.directory)
    version = directory / "PG_VERSION"
    binaries = find_binaries(int(version.read_text()) if version.exists() else None)
    who = account(directory.owner()) if os.geteuid() == 0 else None
    return _cluster(mark, binaries, who, state.get("source", {}).get("user", "postgres"))


def _status(mark: Mark, alive: bool) -> str:
    return mark.phase if mark.phase != "ready" else "stopped"


def _kept_or_cleaned(problem: Problem, inputs: InstanceInputs, mark: Mark, cluster: Cluster) -> Problem:
    if problem.name == "interrupted" and mark.phase != "copying":
        state = inputs.wire() | {"boundPort": mark.port, "status": "interrupted"}
        return PartlyMade(problem, mark.directory, state)
    cluster.stop()
    _remove(inputs.directory, mark)
    return problem


def _remove(directory: Path, mark: Mark) -> None:
    """Everything but the mark first, so that a killed removal is still known to be ours."""
    for entry in directory.iterdir():
        if entry.name != "reforge-instance.json":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    shutil.rmtree(directory)
    if mark.made_parent and not any(directory.parent.iterdir()):
        directory.parent.rmdir()
