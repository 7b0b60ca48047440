"""Slots, subscriptions and standbys: what follows the original, or what it follows."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Facts, Server


class Replication(Aspect):
    """Notes only: a restore must not have them before it serves, and afterwards somebody has to make them."""

    def query(self, server: Server) -> str:
        return """
            SELECT 'slot:' || slot_name, jsonb_build_object('kind', 'slot', 'name', slot_name,
                'words', slot_type || coalesce(' of ' || plugin, '') || coalesce(' in ' || database, ''))
            FROM pg_replication_slots WHERE NOT temporary
            UNION ALL
            SELECT 'subscription:' || subname, jsonb_build_object('kind', 'subscription', 'name', subname,
                'words', CASE WHEN subenabled THEN 'enabled' ELSE 'disabled' END)
            FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
            WHERE d.datname = current_database()
            UNION ALL
            SELECT 'standby:' || application_name, jsonb_build_object('kind', 'standby',
                'name', application_name, 'words', 'follows')
            FROM pg_stat_replication"""

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        for name, before in sorted((source or {}).items()):
            after = restored.get(name)
            if before != after:
                why, cure = _WORDS[before["kind"]]
                yield Difference(
                    name,
                    before["name"],
                    before["words"],
                    after["words"] if after else None,
                    "note",
                    why,
                    cure.format(name=before["name"]),
                )


_WORDS = {
    "slot": (
        "Who reads from it starts anew: what the slot held back is not here.",
        "After the cut-over make it again, and resynchronise who reads from {name}.",
    ),
    "subscription": (
        "It is parted from its publisher, so that the original's slot is not disturbed.",
        "After the cut-over: ALTER SUBSCRIPTION {name} ENABLE, once its slot is settled.",
    ),
    "standby": (
        "It follows the original and knows nothing of the restore.",
        "After the cut-over make {name} anew from the restore, or point it there with pg_rewind.",
    ),
}
