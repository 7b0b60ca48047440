"""Real servers for functional tests: PostgreSQL, pgbouncer and supervisord, each a context manager.

All listen on loopback or on a socket in their own folder. PostgreSQL and pgbouncer refuse to run as
root, so as root they run as the account that ``scratch`` gives the folder to.
"""

from __future__ import annotations

import functools
import http.client
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xmlrpc.client import ServerProxy, Transport

import psycopg

Programs = Mapping[str, Mapping[str, tuple[str, int]]]
"""group -> program -> (command line, number of processes)"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], deadline: float = 15.0, what: str = "the condition") -> Any:
    """The first true value of ``condition``; AssertionError after ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {deadline:g} s"
        time.sleep(0.02)
    return value


@functools.cache
def account() -> pwd.struct_passwd | None:
    """Who runs servers that refuse root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def as_account() -> dict[str, Any]:
    """Keyword arguments of subprocess that start a program as ``account()``."""
    who = account()
    return {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def give(path: Path) -> Path:
    """Hand a file or folder to the account of the servers."""
    if (who := account()) is not None:
        os.chown(path, who.pw_uid, who.pw_gid)
    return path


def folder(path: Path) -> Path:
    """Make a folder of the servers' account."""
    path.mkdir(parents=True, exist_ok=True)
    return give(path)


@contextmanager
def scratch(prefix: str = "reforge-test-") -> Iterator[Path]:
    """A folder that the servers' account owns and can reach, removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    path.chmod(0o755)
    try:
        yield give(path)
    finally:
        shutil.rmtree(path)


@functools.cache
def postgres_tool(name: str) -> Path:
    """A program of the newest PostgreSQL on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    where = str(found[-1]) if found else None
    tool = shutil.which(name, path=where) or shutil.which(name)
    assert tool is not None, f"{name} is not on this machine"
    return Path(tool)


class _Server:
    """A child process with a log in its folder; stopped on exit, however the test ended."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, directory: Path) -> None:
        self.directory = folder(directory)
        self.log = directory / "log"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self, signal: int = 15) -> None:
        """End the server with ``signal``; SIGKILL after 15 s. Already stopped is fine."""
        if self.process is None:
            return
        self.process.send_signal(signal)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _launch(self, command: list[str], ready: Callable[[], Any], **options: Any) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, **options
            )
        process = self.process
        wait_until(lambda: process.poll() is not None or ready(), what=f"{command[0]} being ready")
        assert process.poll() is None, f"{command[0]} ended: {self.log.read_text()}"


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5, autocommit=True, prepare_threshold=None).close()
    except psycopg.OperationalError:
        return False
    return True


class Postgres(_Server):
    """A PostgreSQL instance with superuser ``postgres``, trusted on loopback and its own socket.

    ``archive``: a folder; with it every finished WAL segment is copied there.
    """

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        archive: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory)
        self.data, self.port, self.archive = directory / "data", port or free_port(), archive
        self.settings = {**self._defaults(), **(settings or {})}

    def _defaults(self) -> dict[str, str]:
        ours = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "full_page_writes": "on",
            "wal_level": "replica",
            "shared_buffers": "16MB",
            "max_connections": "40",
            "log_line_prefix": "%m [%p] ",
        }
        if self.archive is not None:
            kept = f"{folder(self.archive)}/%f"
            command = f'test ! -f "{kept}" && cp "%p" "{kept}.part" && mv "{kept}.part" "{kept}"'
            ours |= {"archive_mode": "on", "archive_command": command}
        return ours

    def start(self) -> None:
        """Initialise the data directory where there is none yet, and run until connections work."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        command = [str(postgres_tool("postgres")), "-D", str(self.data)]
        self._launch(command, lambda: _accepts(self.url()), **as_account())

    def stop(self, signal: int = 2) -> None:
        """Stop it: SIGINT is a fast shutdown, SIGQUIT a crash."""
        super().stop(signal)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL in autocommit; the rows of its last statement, [] where it gives none."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def base_backup(self, name: str, into: Path) -> Path:
        """Take a plain base backup, with manifest and without WAL, into ``into``/``name``."""
        target = folder(into) / name
        command = [str(postgres_tool("pg_basebackup")), "-D", str(target), "-X", "none", "-c", "fast"]
        command += ["-d", self.url(), "--no-sync", "--label", name]
        run(command)
        return target

    def switch_wal(self) -> str:
        """End the current WAL segment and, with an archive, wait until it lies there; its name.

        Writes a record first (no commit), so that there is always something to switch.
        """
        self.execute("SELECT pg_logical_emit_message(false, 'test', 'switch')")
        name = str(self.execute("SELECT pg_walfile_name(pg_switch_wal())")[0][0])
        if self.archive is not None:
            kept = self.archive / name
            wait_until(kept.exists, what=f"{name} being archived")
        return name

    def _initialise(self) -> None:
        options = ["-U", "postgres", "--auth=trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        run([str(postgres_tool("initdb")), "-D", str(self.data), *options])
        lines = [f"{key} = '{_quoted(value)}'" for key, value in self.settings.items()]
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write("\n".join(lines) + "\n")


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def run(command: list[str]) -> str:
    """Run a program as the servers' account to its end; its output; AssertionError where it fails."""
    options: dict[str, Any] = {"capture_output": True, "text": True, "cwd": "/", "check": False}
    done: subprocess.CompletedProcess[str] = subprocess.run(command, **options, **as_account())
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout}{done.stderr}"
    return done.stdout


class Pgbouncer(_Server):
    """A pgbouncer in transaction mode that trusts loopback.

    ``databases``: name -> connection string of its [databases] entry, ``"host=127.0.0.1 port=5432"``.
    ``settings`` go to the [pgbouncer] section, ``users`` (name -> password) to its userlist.
    """

    def __init__(
        self,
        directory: Path,
        databases: Mapping[str, str],
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory)
        self.ini, self.port, self.databases = directory / "pgbouncer.ini", port or free_port(), databases
        self.users = {"admin": "admin", "postgres": "", **(users or {})}
        self.settings = {**self._defaults(), **(settings or {})}

    def _defaults(self) -> dict[str, str]:
        return {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": str(self.directory / "userlist.txt"),
            "admin_users": "admin",
            "pool_mode": "transaction",
            "max_client_conn": "200",
            "ignore_startup_parameters": "extra_float_digits",
        }

    @property
    def admin_url(self) -> str:
        return f"postgresql://admin:{self.users['admin']}@127.0.0.1:{self.port}/pgbouncer"

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def show(self, what: str) -> list[dict[str, Any]]:
        """Rows of ``SHOW what`` of the admin console, by column name."""
        with psycopg.connect(self.admin_url, autocommit=True, prepare_threshold=None) as console:
            cursor = psycopg.ClientCursor(console, row_factory=psycopg.rows.dict_row)
            return cursor.execute(f"SHOW {what}".encode()).fetchall()

    def start(self) -> None:
        """Write the ini (where there is none yet) and run until the admin console answers."""
        if not self.ini.exists():
            self._write()
        tool = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        assert tool is not None, "pgbouncer is not on this machine"
        self._launch([tool, str(self.ini)], lambda: _accepts(self.admin_url), **as_account())

    def _write(self) -> None:
        entries = [f"{name} = {target}" for name, target in self.databases.items()]
        settings = [f"{key} = {value}" for key, value in self.settings.items()]
        self.ini.write_text("\n".join(["[databases]", *entries, "", "[pgbouncer]", *settings, ""]))
        users = self.directory / "userlist.txt"
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self.users.items()))
        give(self.ini), give(users)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(str(self.path))
        except OSError:
            self.sock.close()
            raise


class UnixTransport(Transport):
    """XML-RPC over a unix socket: ``ServerProxy("http://localhost", UnixTransport(path))``."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = host, _UnixConnection(self.path)
        return self._connection[1]


class Supervisord(_Server):
    """The supervisord of our environment, with XML-RPC on a socket in its folder."""

    def __init__(self, directory: Path, programs: Programs) -> None:
        super().__init__(directory)
        self.socket, self.programs = directory / "supervisor.sock", programs

    @property
    def server_url(self) -> str:
        return f"unix://{self.socket}"

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the ``supervisor`` namespace of its XML-RPC interface."""
        with ServerProxy("http://localhost", UnixTransport(self.socket)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def states(self, group: str) -> dict[str, str]:
        """Process name -> state name ("RUNNING", "STOPPED", ...) of one group."""
        found = self.call("getAllProcessInfo")
        return {info["name"]: info["statename"] for info in found if info["group"] == group}

    def start(self) -> None:
        conf = self.directory / "supervisord.conf"
        conf.write_text(self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
        self._launch(command, self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except OSError:
            return False

    def _configuration(self) -> str:
        here = self.directory
        user = "user=root\n" if os.geteuid() == 0 else ""
        text = f"[unix_http_server]\nfile={self.socket}\n\n[supervisord]\nlogfile={here}/supervisord.log\n"
        text += f"pidfile={here}/supervisord.pid\nchildlogdir={here}\n{user}\n[rpcinterface:supervisor]\n"
        text += "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        for group, programs in self.programs.items():
            text += f"\n[group:{group}]\nprograms={','.join(programs)}\n"
            for name, (command, count) in programs.items():
                text += f"\n[program:{name}]\ncommand={command}\nnumprocs={count}\nstartsecs=0\n"
                text += "process_name=%(program_name)s_%(process_num)02d\nstopwaitsecs=5\n"
        return text
