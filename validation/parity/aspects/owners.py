"""Who owns schemas, tables, functions and types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from problem import listed
from validation.parity.aspect import Aspect, Difference, Facts, Server, identifier, lines
from validation.parity.objects import OBJECTS


class Owners(Aspect):
    """Another owner is a gate, told once for each owner of the source: only owners may alter and drop."""

    def query(self, server: Server) -> str:
        return f"""WITH {OBJECTS} SELECT kind || ' ' || object,
                   jsonb_build_object('kind', kind, 'object', object, 'owner', pg_get_userbyid(owner))
                   FROM objects"""  # noqa: S608 - our own constants

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        moved: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for name, before in sorted((source or {}).items()):
            after = restored.get(name)
            if after and after["owner"] != before["owner"]:
                moved[before["owner"]].append((before["kind"], before["object"], after["owner"]))
        for owner, objects in sorted(moved.items()):
            shown = listed((f"{kind} {name}" for kind, name, _ in objects), most=3)
            yield Difference(
                f"owner:{owner}",
                shown,
                owner,
                listed(sorted({after for *_, after in objects}), most=3),
                "gate",
                "Migrations that alter or drop them fail, and row security applies to another role.",
                lines(
                    f"ALTER {kind.upper()} {name} OWNER TO {identifier(owner)}" for kind, name, _ in objects
                ),
            )
