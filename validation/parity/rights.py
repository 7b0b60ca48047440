"""Rights as PostgreSQL keeps them, and the statements that give them."""

from __future__ import annotations

from collections.abc import Mapping

from validation.parity.aspect import identifier

Rights = Mapping[str, list[str]]
"""By grantee: privileges, with a star behind those that may be passed on."""

PUBLIC = "PUBLIC"

RIGHTS = """
    (SELECT jsonb_object_agg(grantee, privileges) FROM (
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS grantee,
               jsonb_agg(DISTINCT a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
                   AS privileges
        FROM aclexplode({acl}) a WHERE a.grantee <> {owner} GROUP BY 1) g)"""
"""SQL for the rights in an ACL but those of its owner; ``{acl}`` and ``{owner}`` are expressions."""


def lacking(wanted: Rights, there: Rights, owner: str | None = None) -> dict[str, list[str]]:
    """What of ``wanted`` is not ``there``; an owner has every right."""
    found = {
        grantee: [right for right in rights if right not in _implied(there.get(grantee, []))]
        for grantee, rights in wanted.items()
        if grantee != owner
    }
    return {grantee: rights for grantee, rights in found.items() if rights}


def _implied(rights: list[str]) -> set[str]:
    """A right that may be passed on is that right as well."""
    return {*rights, *(right.rstrip("*") for right in rights)}


def grants(rights: list[str], on: str, grantee: str) -> list[str]:
    """GRANT for rights of one grantee; ``on`` is "TABLE public.users", or "TABLES" of default privileges."""
    passed_on = [right.rstrip("*") for right in rights if right.endswith("*")]
    plain = [right for right in rights if not right.endswith("*")]
    given = (plain, ""), (passed_on, " WITH GRANT OPTION")
    to = _quoted(grantee)
    return [f"GRANT {', '.join(names)} ON {on} TO {to}{option}" for names, option in given if names]


def revoke(rights: list[str], on: str, grantee: str) -> str:
    """REVOKE for the same; a right goes with its grant option."""
    return f"REVOKE {', '.join(right.rstrip('*') for right in rights)} ON {on} FROM {_quoted(grantee)}"


def _quoted(grantee: str) -> str:
    return grantee if grantee == PUBLIC else identifier(grantee)
