"""A dump loaded into an empty database: what is known beforehand, the load, and whether it is all there.

Knows nothing of instances: any PostgreSQL database that ``Target`` can reach will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dbrestore.handler import Context, State
from dbrestore.logical import database, needs, people, presence
from dbrestore.logical.analysing import analyse
from dbrestore.logical.archives import Passes, load_archive
from dbrestore.logical.complaints import Complaint, counted, judge
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump
from dbrestore.logical.scripts import load_script
from dbrestore.logical.target import Target


@dataclass
class Loaded:
    """What a load came to."""

    rows: dict[str, int] = field(default_factory=dict)
    """Rows of each table's data, by its label."""
    complaints: list[Complaint] = field(default_factory=list)
    roles_made: list[str] = field(default_factory=list)
    objects: int = 0
    """Objects of the dump that were found in the catalog afterwards."""

    def outputs(self) -> State:
        """The same as outputs of a resource."""
        return {
            "loadedRows": sum(self.rows.values()),
            "loadedTables": len(self.rows),
            "comparedObjects": self.objects,
            "rolesMade": self.roles_made,
            "complaints": counted(self.complaints),
            "lost": [str(one) for one in self.complaints if one.grade == "lossy"],
        }


def load(dump: Dump, chosen: Sequence[Entry], target: Target, options: Options, context: Context) -> Loaded:
    """Load the ``chosen`` entries of a dump into an empty database and hold the catalog against them.

    Refusal ``target-not-empty``, ``roles-missing`` or ``extensions-missing`` before anything is loaded;
    Problem ``restore-incomplete`` where something of the dump is not there afterwards.
    """
    target.require_empty()
    found = Loaded(roles_made=prepare(chosen, target, options))
    if dump.format == "plain":
        found.rows, found.complaints = load_script(dump, chosen, target, options, context)
    else:
        passes = Passes(dump, chosen, target, options, context)
        found.rows, found.complaints = load_archive(passes)
    settle(chosen, target, options, found, context)
    return found


def prepare(chosen: Sequence[Entry], target: Target, options: Options) -> list[str]:
    """Have there what the dump needs of the server; the roles that were made.

    Refusal ``roles-missing`` or ``extensions-missing`` before anything is made.
    """
    available = {str(row[0]) for row in target.rows("SELECT name FROM pg_available_extensions")}
    needs.require_extensions(chosen, available, target.binaries)
    return _roles(chosen, target, options)


def settle(
    chosen: Sequence[Entry], target: Target, options: Options, found: Loaded, context: Context
) -> None:
    """What follows on the rows, for all that is ``found`` so far; Problem ``restore-incomplete``."""
    found.complaints += database.properties(chosen, target)
    people.hand_over(options.roles, target)
    context.progress("comparing the catalog with the dump")
    found.complaints += presence.missing(chosen, target)
    judge(found.complaints, options.accept)
    if lost := found.outputs()["lost"]:
        context.note("Accepted, and not in the restore:\n" + "\n".join(lost))
    found.objects = presence.compared(chosen)
    analyse(target, options.jobs, context)


def _roles(entries: Sequence[Entry], target: Target, options: Options) -> list[str]:
    wanted = people.wanted(entries, options)
    known = {str(row[0]) for row in target.rows("SELECT rolname FROM pg_roles")}
    people.require(wanted, options, known - people.stand_ins(target))
    missing = set(wanted) if options.create_roles else set(wanted) & set(options.roles)
    return people.make(missing, target, replaced=options.roles)
