"""The roles of a dump: found missing beforehand, made for the load, given over to those that replace them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from psycopg import sql

from dbrestore.logical.complaints import Complaint
from dbrestore.logical.entries import Entry
from dbrestore.logical.needs import roles as named_roles
from dbrestore.logical.options import Options
from dbrestore.logical.presence import KINDS as PRESENT
from dbrestore.logical.target import Target
from problem import Refusal, listed

_STANDS_IN = "made by Reforge for a load: another role takes its place"
"""What the server says of a role that was made only to be replaced, whichever try made it."""
_COMMENTS = "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles"
_FOREIGN = "SELECT rolname FROM pg_roles WHERE NOT pg_has_role(oid, 'MEMBER')"


def wanted(entries: Iterable[Entry], options: Options) -> dict[str, str]:
    """The roles that have to be there for the load, each with what names it first."""
    found = named_roles(entries, owners=not options.no_owner)
    if options.role:
        found.setdefault(options.role, "the option `role`")
    for new in options.roles.values():
        found.setdefault(new, "the option `roles`")
    return found


def stand_ins(target: Target) -> set[str]:
    """The roles that a load made only to be replaced."""
    return {str(role) for role, comment in target.rows(_COMMENTS) if comment == _STANDS_IN}


def require(wanted: Mapping[str, str], options: Options, known: Iterable[str]) -> None:
    """Refusal ``roles-missing`` where a role is neither there nor made nor mapped.

    Refusal ``role-there`` where one is to be replaced that the server ``known`` for it has of its own.
    """
    for old in sorted(set(known) & set(wanted)):
        if (new := options.roles.get(old, old)) != old:
            what = (
                f"{wanted[old]} of the dump is of {_quoted(old)}, a role that the server has: {new} cannot "
                "replace it."
            )
            cure = (
                f"Leave {_quoted(old)} out of `roles` (--map-role); or give everything to one role: "
                f"`no-owner: true` with `role: {_quoted(new)}` (--no-owner --role {new})."
            )
            raise Refusal("role-there", what, cure)
    there = {*known, *options.roles}
    absent = {role: what for role, what in wanted.items() if role not in there}
    if not absent or options.create_roles:
        return
    shown = listed(f"{_quoted(role)} (of {what})" for role, what in absent.items())
    example = ", ".join(f"{_quoted(role)}: NEW" for role in list(absent)[:2])
    cure = (
        "Have them made without a right to log in: `roles: create` (--create-roles); "
        f"or put others in their place: `roles: {{{example}}}` (--map-role OLD=NEW); "
        "or leave ownership out, though not grants: `no-owner: true` with `role: NAME` "
        "(--no-owner --role NAME)."
    )
    raise Refusal("roles-missing", f"The dump needs roles that are not there: {shown}.", cure)


def _quoted(role: str) -> str:
    """A role as YAML takes it, apart from others in a list."""
    return role if re.fullmatch(r"\w+", role) else json.dumps(role, ensure_ascii=False)


def make(wanted: Iterable[str], target: Target, replaced: Iterable[str] = ()) -> list[str]:
    """Make the roles that are not there, unable to log in; gives their names. Those ``replaced`` are marked.

    Who is no superuser becomes a member of each: else it could give them nothing.
    """
    made = []
    with target.connect() as connection:
        there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in sorted(set(wanted) - there):
            name = sql.Identifier(role)
            with connection.transaction():
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
                if connection.info.parameter_status("is_superuser") != "on":
                    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
                if role in set(replaced):
                    connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(name, _STANDS_IN))
            made.append(role)
    return made


def unowned(entries: Iterable[Entry], options: Options, target: Target) -> list[Complaint]:
    """A complaint for each object that its owner cannot get: who gives it away has to be in that role."""
    if options.no_owner:
        return []
    foreign = {str(row[0]) for row in target.rows(_FOREIGN)} - set(options.roles)
    said = "its owner {} is a role that the load has no part in"
    return [
        Complaint("lossy", one.label, said.format(one.owner))
        for one in entries
        if one.owner in foreign and one.kind in PRESENT
    ]


def let_in(role: str, password: str, target: Target) -> None:
    """The role may log in, with this password if there is one; only its hash leaves this process."""
    name = sql.Identifier(role)
    with target.connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(name))
        if password:
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            words = sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(hashed.decode()))
            connection.execute(words)


def owner_of_database(named: str, roles: Iterable[str], options: Options, otherwise: str) -> str:
    """Who is to own the database: as the options say, else ``named`` by the dump, else ``otherwise``.

    ``roles``: those that are there or are made.
    """
    if options.role and options.no_owner:
        return options.role
    return options.roles.get(named, named if named in set(roles) else otherwise)


def hand_over(roles: Mapping[str, str], target: Target) -> None:
    """Everything that a marked role owns goes to the new one, which also becomes a member of the old.

    Grants and policies name the old role still: as its member the new one has all of its rights.
    An old role that has nothing left is dropped; one that was there before the load stays as it was.
    """
    marked = stand_ins(target)
    with target.connect() as connection:
        for old, new in roles.items():
            if old == new or old not in marked:
                continue
            one, other = sql.Identifier(old), sql.Identifier(new)
            connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(one, other))
            held = connection.execute(
                "SELECT EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass"
                " AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %s))", (old,)
            ).fetchone()  # fmt: skip
            action = "GRANT {} TO {}" if held and held[0] else "DROP ROLE {}"
            connection.execute(sql.SQL(action).format(*((one, other) if "TO" in action else (one,))))
