"""The database itself: its encoding, its locale and provider, its owner, its limit of connections."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier

_NO_CHANGE = "It cannot be changed: restore into a database that is made with the source's "


class Database(Aspect):
    """Encoding, locale and owner are gates; so is a lower limit of connections."""

    def query(self, server: Server) -> str:
        # Through to_jsonb() a column that a version does not have is null: 15 brought providers, 17 renamed.
        return """
            SELECT 'database', jsonb_build_object(
                'name', d.datname, 'owner', pg_get_userbyid(d.datdba),
                'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
                'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
                'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
                'rules', to_jsonb(d) ->> 'daticurules', 'connections', d.datconnlimit)
            FROM pg_database d WHERE d.datname = current_database()"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if not (source and restored):
            return
        where = str(restored["name"])
        if source["encoding"] != restored["encoding"]:
            yield Difference(
                "encoding",
                where,
                source["encoding"],
                restored["encoding"],
                "gate",
                "Characters may not fit, and lengths in bytes differ.",
                _NO_CHANGE + "encoding.",
            )
        if _locale(source) != _locale(restored):
            yield Difference(
                "locale",
                where,
                _locale(source),
                _locale(restored),
                "gate",
                "Text sorts and compares otherwise: ORDER BY, ranges, upper() and unique keys.",
                _NO_CHANGE + "locale and provider.",
            )
        if source["owner"] != restored["owner"]:
            yield Difference(
                "database-owner",
                where,
                source["owner"],
                restored["owner"],
                "gate",
                "Only its owner may alter it, create schemas by right, and use what CREATE defaults to it.",
                f"ALTER DATABASE {identifier(where)} OWNER TO {identifier(source['owner'])};",
            )
        yield from self._limit(where, source["connections"], restored["connections"])

    def _limit(self, where: str, source: int, restored: int) -> Iterator[Difference]:
        if source == restored:
            return
        lower = restored >= 0 and (source < 0 or restored < source)
        yield Difference(
            "connection-limit",
            where,
            source,
            restored,
            "gate" if lower else "note",
            "Connections above it are turned away." if lower else "More connections are let in.",
            f"ALTER DATABASE {identifier(where)} CONNECTION LIMIT {source};",
        )


_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def _locale(found: Properties) -> str:
    """Everything that decides of the order of text, in words."""
    provider = _PROVIDERS.get(found["provider"], found["provider"])
    more = [found["locale"], f"rules {found['rules']}" if found["rules"] else None]
    own = " ".join(word for word in more if word)
    return f"{provider} {own} (collate {found['collate']}, ctype {found['ctype']})".replace("  ", " ")
