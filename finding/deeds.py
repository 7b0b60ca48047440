"""What one transaction did to tables, as far as WAL tells it: rows by table, tables dropped or emptied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from archive.waldump import Reader
from finding.catalogs import Catalogs
from finding.touches import Touch, heap_file
from finding.transactions import Ending, ending

_LOOK_BACK = 64
"""Segments before a commit in which its transaction's records are looked for."""
_COMMIT = ("--rmgr=Transaction",)


@dataclass(frozen=True)
class Deeds:
    """Rows that a transaction touched by table, and the tables whose file it took away.

    ``emptied`` tables go on in another file (TRUNCATE or a rewrite); a table that is younger than the base
    backup has no name there and is called by its file.
    """

    rows: dict[str, Touch] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "rows": {name: vars(touch) for name, touch in self.rows.items()},
            "dropped": list(self.dropped),
            "replaced": list(self.replaced),
        }

    def words(self) -> list[str]:
        """One line for each kind of thing it did."""
        lines = [f"dropped {', '.join(self.dropped)}"] if self.dropped else []
        lines += [f"emptied or rewrote {', '.join(self.replaced)}"] if self.replaced else []
        for name, touch in sorted(self.rows.items(), key=lambda pair: -pair[1].rows):
            counts = [f"{count:,} {word}" for word, count in vars(touch).items() if count]
            lines.append(f"{name}: {', '.join(counts)}")
        return lines


def full_ending(reader: Reader, commit: Ending) -> Ending:
    """A commit with all that its record says."""
    index = reader.chain.index(commit.lsn)
    for record in reader.records(index, index, *(_COMMIT if reader.binaries.major >= 15 else ())):
        if record.lsn == commit.lsn and record.manager == "Transaction":
            return ending(record, reader.chain.following.size) or commit
    return commit


def deeds(reader: Reader, catalogs: Catalogs, database: int, commit: Ending) -> Deeds:
    """Read the WAL that leads to a commit for what its transaction did in one database."""
    commit = full_ending(reader, commit)
    names = {f"{database}/{one.file}": one for one in catalogs.tables(database)}
    last = reader.chain.index(commit.lsn)
    found: dict[str, Touch] = {}
    for xid in commit.members or (commit.xid,):
        for record in reader.records(max(0, last - _LOOK_BACK), last, f"--xid={xid}"):
            file = heap_file(record)
            if file in names or (file and file.startswith(f"{database}/") and not _of_system(file)):
                name = names[file].full_name if file in names else f"file {file}"
                found.setdefault(name, Touch()).add(record.text)
    lost = [names[file] for file in commit.files if file in names]
    gone = [one for one in lost if one.oid in commit.dropped or _alone(commit, reader)]
    return Deeds(
        {name: touch for name, touch in found.items() if touch.rows},
        _unique(one.full_name for one in gone),
        _unique(one.full_name for one in lost if one not in gone),
    )


def _alone(commit: Ending, reader: Reader) -> bool:
    """Before PostgreSQL 15 a commit does not tell a dropped table from an emptied one."""
    return reader.binaries.major < 15 and not commit.dropped


def _of_system(file: str) -> bool:
    """Files of system catalogs that were never rewritten have their OIDs, which are below 16384."""
    return int(file.split("/")[1]) < 16384


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
