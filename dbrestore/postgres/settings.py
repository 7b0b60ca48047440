"""The settings a restored instance runs with: pure functions from what is declared to file contents.

Overrides go into postgresql.auto.conf, the one file that nothing in the original's own files can overrule.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from archive.targets import Target

HBA_FILE = "reforge_hba.conf"
UNREAD = "reforge_unread"
"""The folder in the data directory that names the segments that PostgreSQL has to wait for."""
SIDE_EFFECT_LIBRARIES = {"pg_cron"}
"""Libraries that act by themselves once loaded."""


def quoted(value: str) -> str:
    """A value as the configuration file takes it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def restore_command(archive: Path, writable: bool, beyond: str = "") -> str:
    """The command that brings a WAL segment into pg_wal from a folder of plain ones, before ``beyond``.

    A symbolic link is safe (PostgreSQL never recycles one) and saves a copy and an fsync for each segment.
    PostgreSQL opens what it fsyncs for writing, so a link needs an archive that the server may write to.
    It finds for itself what is linked in pg_wal already: the shell says no to that without a program.
    What nobody has read yet is waited for (``lookout``), as long as there is a server that waits for us.
    """
    source = shlex.quote(str(archive)).replace("%", "%%") + "/%f"
    link = f"test ! -L pg_wal/%f && test -f {source} && ln -sf {source} %p"
    # Who asks outlives the postmaster for as long as it waits for us, and keeps its memory from the next one.
    alive = "kill -0 $PPID && read -r pid _ <postmaster.pid && kill -0 $pid"
    wait = f"while test -e {UNREAD}/%f; do {{ {alive}; }} 2>/dev/null || exit 200; sleep 0.02; done"
    # Where it is refused that number of its timeline, PostgreSQL asks for that of the parent's.
    end = f"case %f in ????????{beyond[8:]}) exit 1;; esac; " if beyond else ""
    return f"test -x {UNREAD} || exit 200; {end}{wait}; {link if writable else f'cp {source} %p'}"


def recovery_target(target: Target, timeline: int) -> dict[str, str]:
    """The recovery_target_* settings of a target; recovery pauses there so that it can be compared first."""
    settings = {"recovery_target_timeline": str(timeline), "recovery_target_action": "pause"}
    match target.kind:
        case "snapshot":
            return settings | {"recovery_target": "immediate"}
        case "latest":
            return settings
    settings[f"recovery_target_{target.kind}"] = target.setting()
    settings["recovery_target_inclusive"] = "on" if target.inclusive else "off"
    return settings


def quarantine(directory: Path, libraries: str) -> dict[str, str]:
    """What keeps a restored instance from acting on the original, its archive or the world."""
    kept = [
        name for name in re.split(r"[,\s]+", libraries) if name.strip('"') not in {"", *SIDE_EFFECT_LIBRARIES}
    ]
    return {
        "archive_mode": "off",
        "archive_command": "",
        "archive_cleanup_command": "",
        "recovery_end_command": "",
        "primary_conninfo": "",
        "primary_slot_name": "",
        "synchronous_standby_names": "",
        "max_logical_replication_workers": "0",
        "shared_preload_libraries": ",".join(kept),
        "data_directory": str(directory),
        "hba_file": str(directory / HBA_FILE),
        "external_pid_file": "",
        "logging_collector": "off",
        "log_destination": "stderr",
    }


def hba(operators: list[str], application: list[str]) -> str:
    """pg_hba.conf: the server's own account by its private socket, the operators, then the application.

    ``md5`` accepts SCRAM and MD5 passwords alike, whichever the original stored.
    """
    lines = [
        "# Written by Reforge; edit reforge:operators or reforge:restores in the stack's config instead."
    ]
    lines += ["local all all trust # the socket lies in a folder that only the server's account can enter"]
    lines += [f"host all all {network} md5 # operator" for network in operators]
    return "\n".join(lines + application) + "\n"


def application_lines(original_hba: str | None, clients: list[str]) -> list[str]:
    """Who else may connect: the original's own rules where they are known, else the clients' networks.

    Replication and local lines are left out: no standby of the original may follow a restored instance.
    """
    if original_hba is None:
        return [f"host all all {network} md5 # application" for network in clients]
    rules = [line.strip() for line in original_hba.splitlines()]
    return [rule for rule in rules if re.match(r"host\w*\s", rule) and rule.split()[1] != "replication"]


def merged(existing: str, overrides: Mapping[str, str]) -> str:
    """postgresql.auto.conf with ``overrides``; every other line of it is kept."""
    kept = [line for line in _lines(existing) if _name(line) not in overrides]
    return "\n".join(kept + [f"{name} = {quoted(value)}" for name, value in overrides.items()]) + "\n"


def without(existing: str, prefixes: tuple[str, ...]) -> str:
    """postgresql.auto.conf without the settings that begin so."""
    return "".join(line + "\n" for line in _lines(existing) if not _name(line).startswith(prefixes))


def value_of(files: list[str], name: str) -> str:
    """The last value given to a setting in configuration texts, unquoted; empty when none gives it."""
    found = ""
    for line in _lines("\n".join(files)):
        match = re.match(rf"\s*{name}(?:\s*=\s*|\s+)({_QUOTED}|[^#\s]*)", line, re.IGNORECASE)
        found = _unquoted(match[1]) if match else found
    return found


_QUOTED = r"'(?:[^'\\]|\\.|'')*'"


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)|''", lambda pair: pair[1] or "'", text[1:-1]) if text.startswith("'") else text


def _lines(text: str) -> list[str]:
    """Lines as the server counts them: what else Python takes for a line's end may stand in a value."""
    return text.removesuffix("\n").split("\n") if text else []


def _name(line: str) -> str:
    match = re.match(r"\s*([\w.]+)", line)
    return match[1].lower() if match else ""
