"""Which role is a member of which."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier


class Memberships(Aspect):
    """A missing membership takes rights away; one that the source has no more gives them back."""

    def query(self, server: Server) -> str:
        # Since version 16 one membership may be granted by several roles, with options of its own.
        return """
            SELECT quote_ident(m.rolname) || ' in ' || quote_ident(r.rolname), jsonb_build_object(
                'role', r.rolname, 'member', m.rolname, 'admin', bool_or(a.admin_option),
                'inherit', bool_or((to_jsonb(a) ->> 'inherit_option')::bool),
                'set', bool_or((to_jsonb(a) ->> 'set_option')::bool))
            FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
            WHERE m.rolname !~ '^pg_' GROUP BY r.rolname, m.rolname"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        either = source or restored or {}
        stable = f"membership:{either['member']}:{either['role']}"
        role, member = identifier(either["role"]), identifier(either["member"])
        if source is None:
            yield Difference(
                stable,
                name,
                None,
                _words(restored or {}),
                "note",
                "The source does not have it (any more): rights that were taken away are back.",
                f"REVOKE {role} FROM {member};",
            )
        elif lost := [key for key in _OPTIONS if source[key] and restored and restored[key] is False]:
            options = ", ".join(f"{key.upper()} OPTION" for key in lost)
            yield Difference(
                stable,
                name,
                _words(source),
                _words(restored or {}),
                "gate",
                "It lacks an option of its membership.",
                f"GRANT {role} TO {member} WITH {options};",
            )
        elif restored is None:
            admin = " WITH ADMIN OPTION" if source["admin"] else ""
            yield Difference(
                stable,
                name,
                _words(source),
                None,
                "gate",
                "It lacks the rights that it has in the source by this membership.",
                f"GRANT {role} TO {member}{admin};",
            )
        elif any(source[key] is False and restored[key] for key in _OPTIONS):
            yield Difference(
                stable,
                name,
                _words(source),
                _words(restored),
                "note",
                "It has an option more of its membership.",
            )


_OPTIONS = ("admin", "inherit", "set")


def _words(found: Properties) -> str:
    options = [key for key in _OPTIONS if found[key]]
    return f"member with {', '.join(options)}" if options else "member"
