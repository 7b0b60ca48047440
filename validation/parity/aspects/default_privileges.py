"""Rights that new objects get: ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier, lines
from validation.parity.rights import RIGHTS, grants

_KINDS = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}


class DefaultPrivileges(Aspect):
    """Where they are lost, the next migration makes tables that nobody may read."""

    def query(self, server: Server) -> str:
        rights = RIGHTS.format(acl="d.defaclacl", owner="d.defaclrole")
        return f"""
            SELECT d.defaclobjtype::text || ' ' || quote_ident(pg_get_userbyid(d.defaclrole))
                       || coalesce(' in ' || quote_ident(n.nspname), ''),
                   jsonb_build_object('role', pg_get_userbyid(d.defaclrole), 'schema', n.nspname,
                       'kind', d.defaclobjtype, 'rights', coalesce({rights}, '{{}}'))
            FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace"""  # noqa: S608 - our own constants

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        either = source or restored or {}
        kind = _KINDS[either["kind"]]
        words = [kind.lower().replace(" ", "-"), either["role"], either["schema"]]
        yield Difference(
            ":".join(["default-privileges", *(word for word in words if word)]),
            f"{kind.lower()} that {either['role']} makes"
            + (f" in {either['schema']}" if either["schema"] else ""),
            _words(source),
            _words(restored),
            "gate" if source else "note",
            "New objects get other rights than in the source."
            if source
            else "The source does not have it (any more): new objects get rights that they lack there.",
            lines(_statements(source, kind)) if source else "",
        )


def _statements(found: Properties, kind: str) -> list[str]:
    """What gives new objects the rights that they have in the source."""
    schema = f" IN SCHEMA {identifier(found['schema'])}" if found["schema"] else ""
    start = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(found['role'])}{schema}"
    given = [
        f"{start} {statement}"
        for grantee, rights in sorted(found["rights"].items())
        for statement in grants(rights, kind, grantee)
    ]
    # Functions and types are open to everybody unless that was taken away.
    closed = not schema and kind in ("FUNCTIONS", "TYPES") and "PUBLIC" not in found["rights"]
    return [*given, f"{start} REVOKE ALL ON {kind} FROM PUBLIC"] if closed else given


def _words(found: Properties | None) -> str | None:
    if found is None:
        return None
    given = (f"{', '.join(rights)} to {grantee}" for grantee, rights in sorted(found["rights"].items()))
    return "; ".join(given) or "to its owner only"
