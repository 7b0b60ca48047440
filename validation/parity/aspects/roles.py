"""Roles and their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier

_ATTRIBUTES = {
    "superuser": "SUPERUSER",
    "createrole": "CREATEROLE",
    "createdb": "CREATEDB",
    "login": "LOGIN",
    "replication": "REPLICATION",
    "bypassrls": "BYPASSRLS",
    "inherit": "INHERIT",
}
_DANGEROUS = {"superuser", "createrole", "bypassrls"}
"""What nobody should have gained by a restore."""


class Roles(Aspect):
    """A missing role, a lost attribute or password is a gate, and so is a dangerous right that was gained."""

    secret: ClassVar = ("password",)

    def query(self, server: Server) -> str:
        # Only superusers may read passwords, and only a digest of the stored hash comes here.
        table, digest = "pg_roles", "NULL::text"
        if server.superuser:
            table = "pg_authid"
            digest = "coalesce(encode(sha256(convert_to(rolpassword, 'UTF8')), 'hex'), 'none')"
        return f"""
            SELECT rolname, jsonb_build_object('superuser', rolsuper, 'createrole', rolcreaterole,
                'createdb', rolcreatedb, 'login', rolcanlogin, 'replication', rolreplication,
                'bypassrls', rolbypassrls, 'inherit', rolinherit, 'connections', rolconnlimit,
                'expires', CASE WHEN isfinite(rolvaliduntil) THEN rolvaliduntil END, 'password', {digest})
            FROM {table} WHERE rolname !~ '^pg_'"""  # noqa: S608 - our own constants

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        role = identifier(name)
        if restored is None:
            yield Difference(
                f"role:{name}",
                name,
                _words(source or {}),
                None,
                "gate",
                "Who logs in as it, or has rights through it, is turned away.",
                f"CREATE ROLE {role} WITH {_words(source or {})};"
                + (f" \\password {role}" if (source or {})["login"] else ""),
            )
        elif source is None:
            yield Difference(
                f"role:{name}",
                name,
                None,
                _words(restored),
                "note",
                "The source does not have it (any more): who was removed since could log in again."
                if restored["login"]
                else "The source does not have it (any more).",
                f"ALTER ROLE {role} NOLOGIN;" if restored["login"] else "",
            )
        else:
            yield from self._attributes(name, source, restored)
            yield from self._login(name, source, restored)

    def _attributes(self, name: str, source: Properties, restored: Properties) -> Iterator[Difference]:
        changed = [key for key in _ATTRIBUTES if source[key] != restored[key]]
        if not changed:
            return
        gained = [key for key in changed if restored[key]]
        gate = any(key in _DANGEROUS for key in gained) or len(gained) < len(changed)
        cure = " ".join(_word(key, source[key]) for key in changed)
        yield Difference(
            f"role:{name}:attributes",
            name,
            cure,
            " ".join(_word(key, restored[key]) for key in changed),
            "gate" if gate else "note",
            "It may do more than in the source." if gained else "It can no longer do what it needs to.",
            f"ALTER ROLE {identifier(name)} WITH {cure};",
        )

    def _login(self, name: str, source: Properties, restored: Properties) -> Iterator[Difference]:
        role, said = identifier(name), "gate" if source["login"] else "note"
        before, after = source["connections"], restored["connections"]
        if before != after:
            lower = after >= 0 and (before < 0 or after < before)
            yield Difference(
                f"role:{name}:connections",
                name,
                before,
                after,
                "gate" if lower and source["login"] else "note",
                "Its connections above the limit are turned away." if lower else "It may connect more often.",
                f"ALTER ROLE {role} CONNECTION LIMIT {before};",
            )
        if source["expires"] != restored["expires"]:
            sooner = bool(restored["expires"]) and restored["expires"] < (source["expires"] or "9")
            until = source["expires"] or "infinity"
            yield Difference(
                f"role:{name}:expires",
                name,
                until,
                restored["expires"] or "infinity",
                "gate" if sooner and source["login"] else "note",
                "Its password expires sooner." if sooner else "Its password is valid longer.",
                f"ALTER ROLE {role} VALID UNTIL '{until}';",
            )
        known = source.get("password"), restored.get("password")
        if all(known) and known[0] != known[1]:
            yield Difference(
                f"role:{name}:password",
                name,
                "none" if known[0] == "none" else "another one",
                "none" if known[1] == "none" else "set",
                "gate" if said == "gate" and known[0] != "none" else "note",
                "It was changed since, or was not dumped: who logs in with it is turned away.",
                f"\\password {role}",
            )


def _word(key: str, value: bool) -> str:
    return _ATTRIBUTES[key] if value else f"NO{_ATTRIBUTES[key]}"


def _words(role: Properties) -> str:
    """The attributes that are not the default of CREATE ROLE, and LOGIN in any case."""
    default = {"inherit": True}
    return " ".join(
        _word(key, role[key]) for key in _ATTRIBUTES if key == "login" or role[key] != default.get(key, False)
    )
