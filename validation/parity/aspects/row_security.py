"""Row security: whether it is on for a table, and its policies."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier

_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}


class RowSecurity(Aspect):
    """Everything here is a gate: rows become visible that must not be, or vanish that must not.

    Only tables that both sides have are compared.
    """

    def query(self, server: Server) -> str:
        return """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), jsonb_build_object(
                'enabled', c.relrowsecurity, 'forced', c.relforcerowsecurity, 'policies', coalesce((
                    SELECT jsonb_object_agg(p.polname, jsonb_build_object(
                        'command', p.polcmd, 'permissive', p.polpermissive,
                        'roles', ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC'
                                                     ELSE quote_ident(pg_get_userbyid(r)) END
                                       FROM unnest(p.polroles) r ORDER BY 1),
                        'using', pg_get_expr(p.polqual, p.polrelid),
                        'check', pg_get_expr(p.polwithcheck, p.polrelid)))
                    FROM pg_policy p WHERE p.polrelid = c.oid), '{}'))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if not (source and restored):
            return
        if _state(source) != _state(restored):
            yield Difference(
                f"row-security:{name}",
                name,
                _state(source),
                _state(restored),
                "gate",
                "Rows are shown that must be hidden."
                if source["enabled"]
                else "Rows vanish for the application.",
                _switches(name, source),
            )
        for policy in sorted({*source["policies"], *restored["policies"]}):
            before, after = source["policies"].get(policy), restored["policies"].get(policy)
            if before != after:
                yield _policy(name, policy, before, after)


def _policy(table: str, name: str, source: Properties | None, restored: Properties | None) -> Difference:
    policy = f"{identifier(name)} ON {table}"
    drop = f"DROP POLICY IF EXISTS {policy};"
    return Difference(
        f"policy:{table}:{name}",
        f"{name} on {table}",
        _words(source),
        _words(restored),
        "gate",
        "Which rows a role sees and may write is not what it is in the source.",
        f"{drop}\nCREATE POLICY {policy} {_words(source)};" if source else drop,
    )


def _state(table: Properties) -> str:
    if not table["enabled"]:
        return "off, but forced" if table["forced"] else "off"
    return "on, for the owner too" if table["forced"] else "on"


def _switches(name: str, source: Properties) -> str:
    words = ["ENABLE" if source["enabled"] else "DISABLE", "FORCE" if source["forced"] else "NO FORCE"]
    return f"ALTER TABLE {name} " + ", ".join(f"{word} ROW LEVEL SECURITY" for word in words) + ";"


def _words(policy: Properties | None) -> str | None:
    """As CREATE POLICY has it."""
    if policy is None:
        return None
    using = f" USING ({policy['using']})" if policy["using"] else ""
    check = f" WITH CHECK ({policy['check']})" if policy["check"] else ""
    kind = "PERMISSIVE" if policy["permissive"] else "RESTRICTIVE"
    command = _COMMANDS[policy["command"]]
    return f"AS {kind} FOR {command} TO {', '.join(policy['roles'])}{using}{check}"
