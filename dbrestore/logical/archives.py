"""The three passes over an archive: what tables need, their data, what stands on the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbrestore.handler import Context
from dbrestore.logical.complaints import Complaint, judge
from dbrestore.logical.data import Data
from dbrestore.logical.database import of_database
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.programs import restore_entries
from dbrestore.logical.reading import Dump
from dbrestore.logical.tabledata import TableData
from dbrestore.logical.target import Target

_APART = {"DATABASE", "ENCODING", "STDSTRINGS", "SEARCHPATH"}


def load_archive(
    dump: Dump, chosen: Sequence[Entry], target: Target, options: Options, context: Context
) -> tuple[dict[str, int], list[Complaint]]:
    """Rows of each table and everything complained of. A pass that failed fatally is the last one."""
    entries = [one for one in chosen if one.kind not in _APART and not of_database(one)]
    tables = [one for one in entries if one.kind == "TABLE DATA" and one.copy]
    before = [one for one in entries if one.section == "pre"]
    others = [one for one in entries if one.section == "data" and one not in set(tables)]
    after = [one for one in entries if one.section in ("post", "none")]
    context.progress(f"making {len(before)} objects")
    complaints = restore_entries(dump, target, before, replace(options, jobs=1), context)
    judge(complaints, [one.label for one in complaints if one.grade == "lossy"])
    data = TableData(Data(dump), target, options.jobs, context)
    data.load(tables, before)
    judge(data.complaints, ())
    complaints += restore_entries(dump, target, others, replace(options, jobs=1), context)
    context.progress(f"building {len(after)} indexes, constraints and grants")
    complaints += restore_entries(dump, target, after, options, context)
    return data.rows, complaints
