"""Settings of a role or of the database: ALTER ROLE ... SET, ALTER DATABASE ... SET."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier, literal


class RoleSettings(Aspect):
    """What pg_dump leaves out without --create: search paths, time limits, time zones."""

    secret: ClassVar = ("digest",)

    def query(self, server: Server) -> str:
        # A setting with a dot in its name is the application's own, and its value may be a secret.
        return """
            SELECT coalesce(r.rolname, '') || E'\\t' || (d.oid IS NOT NULL) || E'\\t' || s.name,
                jsonb_build_object('role', r.rolname, 'database', d.datname, 'setting', s.name,
                    'value', CASE WHEN s.name NOT LIKE '%.%' THEN s.value END,
                    'digest', encode(sha256(convert_to(s.value, 'UTF8')), 'hex'))
            FROM pg_db_role_setting c LEFT JOIN pg_roles r ON r.oid = c.setrole
                LEFT JOIN pg_database d ON d.oid = c.setdatabase
                CROSS JOIN unnest(c.setconfig) AS pair(text),
                LATERAL (SELECT split_part(pair.text, '=', 1) AS name,
                                substr(pair.text, strpos(pair.text, '=') + 1) AS value) s
            WHERE c.setdatabase = 0 OR d.datname = current_database()"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        either = source or restored or {}
        if (
            source
            and restored
            and source["value"] == restored["value"]
            and not _other_digest(source, restored)
        ):
            return  # the databases' own names may differ
        setting, value = either["setting"], source["value"] if source else None
        missing = source is not None
        yield Difference(
            _name(either),
            _whose(either),
            _shown(source),
            _shown(restored),
            "gate" if missing else "note",
            "Sessions begin with another value than in the source."
            if missing
            else "The source does not have it (any more).",
            f"ALTER {_whose(either)} SET {setting} = {_value(setting, value)};" if missing else "",
        )


def _name(found: Properties) -> str:
    who = f"role-setting:{found['role']}" if found["role"] else "database-setting"
    here = ":database" if found["role"] and found["database"] else ""
    return f"{who}{here}:{found['setting']}"


def _whose(found: Properties) -> str:
    database = f"DATABASE {identifier(found['database'])}" if found["database"] else ""
    role = f"ROLE {identifier(found['role'])}" if found["role"] else ""
    if role and database:
        return f"{role} IN {database}"
    return role or database or "ROLE ALL"


def _shown(found: Properties | None) -> str | None:
    if found is None:
        return None
    return "set (its value is not shown)" if found["value"] is None else str(found["value"])


def _value(setting: str, value: str | None) -> str:
    if value is None:
        return "'...'"
    return value if setting in LISTS else literal(value)


LISTS = {
    "search_path",
    "temp_tablespaces",
    "session_preload_libraries",
    "shared_preload_libraries",
    "local_preload_libraries",
    "unix_socket_directories",
}
"""Settings that are lists of names: PostgreSQL shows and takes them already quoted (GUC_LIST_QUOTE)."""


def _other_digest(source: Properties, restored: Properties) -> bool:
    """Whether the values differ, where both are known."""
    known = source.get("digest"), restored.get("digest")
    return all(known) and known[0] != known[1]
