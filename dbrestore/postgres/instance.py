"""``dbrestore:postgres:Instance``: a new PostgreSQL instance in a folder of its own, however it is made."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from dbrestore.handler import Context, Handler, PartlyMade, State
from dbrestore.postgres import configuring, tablespaces
from dbrestore.postgres.cluster import Cluster, in_use, socket_directory
from dbrestore.postgres.inputs import InstanceInputs
from dbrestore.postgres.logical import Logical
from dbrestore.postgres.making import Making
from dbrestore.postgres.mark import Mark, new_mark, own_mark, read_mark
from dbrestore.postgres.physical import Physical
from problem import Problem, Refusal, unusable
from toolchain.accounts import Account, account
from toolchain.ports import free_port
from toolchain.postgres import Binaries, find_binaries

_ADD_ANOTHER = "a restored instance is never rebuilt in place; add another restore under a new name"


class Instance(Handler):
    """See ``InstanceInputs``. The identity of an instance is its data directory."""

    resource_type = "dbrestore:postgres:Instance"
    inputs = InstanceInputs
    secrets = frozenset({"password"})
    fixed: ClassVar = {name: _ADD_ANOTHER for name in ("name", "directory", "until", "dump", "runAs")}

    def examine(self, context: Context, inputs: InstanceInputs) -> None:
        """The quick part of the proof. Work of ours that lies there already was proven, and is continued."""
        if own_mark(inputs.directory, context.urn) is None:
            configuring.check_folder(inputs.directory)
            way = _way(inputs)
            way.examine(context)
            if lines := way.forecast().lines():
                context.note("\n".join(lines))
            if inputs.port:
                _free(inputs.listen, inputs.port)

    def create(self, context: Context, inputs: InstanceInputs) -> tuple[str, State]:
        mark, wanted = own_mark(inputs.directory, context.urn), _way(inputs).words
        if mark and mark.phase == "ready" and mark.until != wanted:
            what = f"{inputs.directory} holds a finished restore to {mark.until}, not to {wanted}."
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
        status = "ready" if alive and mark.phase == "ready" else _status(mark, alive)
        return state | {"status": status, "serving": mark.serving}

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
        """From nothing, or from where a killed run stopped, to a finished instance in quarantine.

        A failure leaves nothing behind; an interruption leaves work that the next run continues.
        """
        begun, way = datetime.now(UTC), _way(inputs)
        binaries, who = way.prove(context), way.account()
        mark = self._claim(context, way, mark, who)
        cluster = _cluster(mark, binaries, who, inputs.source.user)
        try:
            mark = way.make(context, cluster, mark)
            learnt = way.settle(cluster)
        except Problem as problem:
            mark = read_mark(cluster.directory) or mark  # with the phase that it came to
            raise _kept_or_cleaned(problem, way, mark, cluster) from problem
        except OSError as error:
            mark = read_mark(cluster.directory) or mark
            raise _kept_or_cleaned(unusable(error), way, mark, cluster) from error
        except Exception:  # what nobody foresaw
            _clean(read_mark(cluster.directory) or mark, cluster)
            raise
        mark = mark.at("ready").write()
        seconds = (datetime.now(UTC) - begun).total_seconds()
        return _state(inputs, mark, cluster) | way.outputs(mark) | learnt | {"restoredInSeconds": seconds}

    def _claim(self, context: Context, way: Making, mark: Mark | None, who: Account | None) -> Mark:
        """Our mark in the new folder before anything else is; stale half-made work is cleared first."""
        inputs = way.inputs
        if mark and not way.goes_on(mark):
            context.progress("clearing half-made work of an earlier run")
            _cluster_of(mark, inputs.run_as, inputs.wire()).stop()
            _remove(inputs.directory, mark)
            mark = None
        if mark:
            return mark
        port = inputs.port or free_port(inputs.listen)
        _free(inputs.listen, port)
        made_parent = configuring.make_folder(inputs.directory, who)
        fresh = new_mark(context.urn, inputs.directory, way.words)
        sockets = str(socket_directory(inputs.directory))
        return replace(fresh, port=port, made_parent=made_parent, socket_directory=sockets).write()


def _way(inputs: InstanceInputs) -> Making:
    """How this instance is made."""
    return Logical(inputs) if inputs.until.kind == "dump" else Physical(inputs)


def _state(inputs: InstanceInputs, mark: Mark, cluster: Cluster) -> State:
    return inputs.wire() | {
        "host": inputs.listen,
        "boundPort": mark.port,
        "status": "ready",
        "postgresVersion": cluster.binaries.version,
    }


def _free(host: str, port: int) -> None:
    if in_use(host, port):
        what = f"Port {port} on {host} is taken by something that is not this restore."
        raise Problem("port-taken", what, "Give the restore another port, or none to have a free one chosen.")


def _cluster(mark: Mark, binaries: Binaries, who: Account | None, user: str) -> Cluster:
    return Cluster(Path(mark.directory), binaries, who, mark.port, Path(mark.socket_directory), user)


def _cluster_of(mark: Mark, run_as: str | None, state: State) -> Cluster:
    directory = Path(mark.directory)
    version = directory / "PG_VERSION"
    known = version.read_text().strip() if version.exists() else ""  # empty where its copying was cut short
    binaries = find_binaries(int(known) if known else None)
    who = account(directory.owner()) if os.geteuid() == 0 else None
    return _cluster(mark, binaries, who, state.get("source", {}).get("user", "postgres"))


def _status(mark: Mark, alive: bool) -> str:
    return mark.phase if mark.phase != "ready" else "stopped"


def _kept_or_cleaned(problem: Problem, way: Making, mark: Mark, cluster: Cluster) -> Problem:
    if problem.name == "interrupted" and mark.phase in way.continued:
        state = way.inputs.wire() | {"boundPort": mark.port, "status": "interrupted"}
        return PartlyMade(problem, mark.directory, state)
    found = _of_full_disk(problem, cluster) if cluster.out_of_space else problem
    _clean(mark, cluster)
    return found


def _of_full_disk(problem: Problem, cluster: Cluster) -> Problem:
    """What failed says how, and not why: a server that cannot write gives up in many ways."""
    what = f"The file system of {cluster.directory} became full. {problem.what}"
    cure = "Make room there, or choose another folder: reforge:source.directory. Then the same command again."
    return Problem("no-space", what, cure)


def _clean(mark: Mark, cluster: Cluster) -> None:
    cluster.stop()
    _remove(cluster.directory, mark)


def _remove(directory: Path, mark: Mark) -> None:
    """Everything but the mark first, so that a killed removal is still known to be ours."""
    tablespaces.remove(mark.tablespaces, directory)
    for entry in directory.iterdir():
        if entry.name != "reforge-instance.json":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    shutil.rmtree(directory)
    if mark.made_parent and not any(directory.parent.iterdir()):
        directory.parent.rmdir()
