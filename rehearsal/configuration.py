"""The configuration files of a site's servers and application, as text; nothing is written here."""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from rehearsal.processes import ROLE
from rehearsal.record import DATABASE, Record
from rehearsal.record import ROLE as DATABASE_ROLE

API_PROCESSES, ETL_PROCESSES = 1, 3
REPOSITORY = Path(__file__).resolve().parent.parent
"""What Python must find our packages in."""


def archive_command(archive: Path) -> str:
    """Copy a finished WAL segment so that a half-written one never bears a segment's name.

    A segment that lies there already with the same content is archived: PostgreSQL asks again after
    a crash between our mv and its own note. With another content it is refused.
    """
    kept = f'"{archive}/%f"'
    copy = f'cp "%p" {kept[:-1]}.part" && mv {kept[:-1]}.part" {kept}'
    return f'cmp -s "%p" {kept} || (test ! -e {kept} && {copy})'


def postgresql(record: Record) -> str:
    """What is appended to initdb's postgresql.conf."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": record.postgres_port,
        "unix_socket_directories": "",
        "shared_buffers": "32MB",
        "max_connections": 80,
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_command": archive_command(record.archive),
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        # Off, so that the original's files can be compared before and after: see original.py.
        "autovacuum": "off",
    }
    lines = (f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'" for name, value in settings.items())
    return "\n# StarForge, the original\n" + "\n".join(lines) + "\n"


def pgbouncer(record: Record) -> str:
    """pgbouncer.ini; the cut-over changes the host and port of its one database."""
    return f"""; StarForge: the API connects here, to {DATABASE}.
[databases]
; Whoever moves the database moves it in this line: host and port, nothing else.
{DATABASE} = host=127.0.0.1 port={record.postgres_port} dbname={DATABASE}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {record.pgbouncer_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {record.pooler}/userlist.txt
admin_users = console
; A transaction at a time: PAUSE waits for transactions, not for sessions.
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
server_login_retry = 1
"""


def userlist(record: Record) -> str:
    """pgbouncer's passwords, in clear: it needs them so to log in to the server with SCRAM."""
    users = {DATABASE_ROLE: record.password, "console": record.console_password}
    return "".join(f'"{name}" "{password}"\n' for name, password in users.items())


def supervisord(record: Record) -> str:
    """supervisord.conf with the groups ``api`` and ``etl``; the URLs are in the files it names."""
    app = record.app
    user = "user=root\n" if os.geteuid() == 0 else ""
    server = f"""[unix_http_server]
file={app}/supervisor.sock
chmod=0700

[supervisord]
logfile={app}/supervisord.log
pidfile={app}/supervisord.pid
childlogdir={app}
{user}
[supervisorctl]
serverurl={record.supervisor_url}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    flags = {"FLAGS_FILE": f"{app}/flags.env"}
    api = {**flags, "PORT": record.api_port, "ENV_FILE": f"{app}/api.env", ROLE: "api"}
    etl = {"ENV_FILE": f"{app}/etl.env", ROLE: "etl"}
    return server + _group("api", "api", API_PROCESSES, api) + _group("etl", "worker", ETL_PROCESSES, etl)


def _group(group: str, program: str, count: int, variables: dict[str, Any]) -> str:
    module = "api" if group == "api" else "etl"
    variables = {"PYTHONPATH": REPOSITORY, **variables}
    environment = ",".join(f'{name}="{str(value).replace("%", "%%")}"' for name, value in variables.items())
    return f"""
[group:{group}]
programs={program}

[program:{program}]
command={sys.executable.replace("%", "%%")} -m rehearsal.starforge.{module}
process_name=%(program_name)s_%(process_num)02d
numprocs={count}
startsecs=1
stopwaitsecs=8
redirect_stderr=true
stdout_logfile=%(here)s/{group}-%(process_num)02d.log
environment={environment}
"""


def suite() -> str:
    """The validation suite, with this very Python in the place of ``python``."""
    text = files("rehearsal.starforge").joinpath("suite.yaml").read_text()
    return text.replace("[python, ", f"[{json.dumps(sys.executable)}, ")


def stack(record: Record) -> dict[str, Any]:
    """The ``reforge:`` config of the stack for this site, without the prefix and with secrets in clear."""
    source = {
        "provider": "local",
        "instance": "starforge",
        "database": DATABASE,
        "data-directory": str(record.data),
        "archive": str(record.archive),
        "backups": str(record.backups),
        "directory": str(record.restores),
    }
    app = record.app
    return {
        "source": source,
        "source-url": record.source_url,
        "operators": ["127.0.0.1/32"],
        "suite": f"{app}/suite.yaml",
        "endpoints": [
            {"env-file": {"path": f"{app}/etl.env", "key": "DATABASE_URL"}},
            {"pgbouncer": {"admin": record.admin_url, "database": DATABASE}},
        ],
        "writers": [
            {"supervisor": {"server": record.supervisor_url, "group": "etl"}},
            {"flag": {"file": f"{app}/flags.env", "key": "ingestion"}},
        ],
    }
