"""Settings of the server, as a session of ours gets them when it asks for none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Facts, Properties, Server, literal
from validation.parity.aspects.role_settings import LISTS
from validation.parity.setting_rules import is_ignored, judge


class Settings(Aspect):
    """Gates are in ``setting_rules``: less than the application needs, and other meanings of the same SQL."""

    def query(self, server: Server) -> str:
        # reset_val: what a session has that sets nothing; ours sets some. Presets belong to other aspects.
        return """
            WITH given AS (
                SELECT lower(split_part(pair, '=', 1)) AS name
                FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
                    LEFT JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) AS pair
                WHERE coalesce(d.datname, current_database()) = current_database()
                      AND coalesce(r.rolname, current_user) = current_user)
            SELECT name, jsonb_build_object('value', reset_val, 'unit', unit,
                'given', lower(name) IN (SELECT name FROM given), 'restart', context = 'postmaster')
            FROM pg_settings
            WHERE context <> 'internal' AND name NOT LIKE '%command' AND name <> 'primary_conninfo'"""

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        for name in sorted(restored.keys() & (source or {}).keys()):
            before, after = (source or {})[name], restored[name]
            if before["value"] == after["value"] or is_ignored(name):
                continue
            if not (before["given"] or after["given"]):  # the aspect role-settings tells of these
                yield _difference(name, before, after)


def _difference(name: str, source: Properties, restored: Properties) -> Difference:
    found = judge(name, source["value"] or "", restored["value"] or "")
    return Difference(
        f"setting:{name}",
        name,
        _shown(name, source),
        _shown(name, restored),
        found.severity,
        found.why,
        _cure(name, source, restored["restart"]) if found.cure is None else found.cure,
    )


def _shown(name: str, setting: Properties) -> str:
    """A value as SHOW has it. With a dot in its name it may be a secret of an application's."""
    return "set (its value is not shown)" if "." in name else in_words(setting["value"], setting["unit"])


def in_words(value: str | None, unit: str | None) -> str:
    """A value with the largest unit that it is a whole number of: 65536 of kB as 64MB."""
    text = value or ""
    match = re.fullmatch(r"(\d*)(\w+)", unit or "")
    if not match or not text.isdigit() or int(text) == 0:
        return text
    number, unit = int(text) * int(match[1] or 1), match[2]
    for larger, factor in _LARGER.get(unit, ()):
        if number % factor:
            break
        number, unit = number // factor, larger
    return f"{number}{unit}"


_LARGER = {
    "B": (("kB", 1024), ("MB", 1024), ("GB", 1024)),
    "kB": (("MB", 1024), ("GB", 1024)),
    "MB": (("GB", 1024),),
    "ms": (("s", 1000), ("min", 60), ("h", 60), ("d", 24)),
    "s": (("min", 60), ("h", 60), ("d", 24)),
    "min": (("h", 60), ("d", 24)),
}


def _cure(name: str, source: Properties, restart: bool) -> str:
    if "." in name:
        return ""
    value = in_words(source["value"], source["unit"])
    then = "then restart the server" if restart else "SELECT pg_reload_conf();"
    if name in LISTS and not value:  # as a list, '' would be one name without letters
        return f"ALTER SYSTEM RESET {name}; {then}"
    return f"ALTER SYSTEM SET {name} = {value if name in LISTS else literal(value)}; {then}"
