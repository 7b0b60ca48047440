"""WAL of three major versions as their pg_waldump worded it, in place of a reader of segments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from archive.waldump import Record, parse_record

WAL = Path(__file__).parent / "wal"
SEGMENT = 16 * 1024 * 1024
FIRST = {15: 725, 16: 731, 18: 753}
"""The first transaction's id; those of the others follow."""


class RecordedReader:
    """Answers like ``archive.waldump.Reader``, with the filters that are asked of it."""

    def __init__(self, major: int, lines: list[str] | None = None) -> None:
        text = (WAL / f"{major}.txt").read_text().splitlines() if lines is None else lines
        self._records = [record for line in text if (record := parse_record(line))]
        self.asked: list[tuple[str, ...]] = []
        self.binaries = SimpleNamespace(major=major)
        self.chain: Any = SimpleNamespace(following=SimpleNamespace(size=SEGMENT), index=lambda _lsn: 0)

    def records(self, _first: int, _last: int, *options: str) -> Iterator[Record]:
        self.asked.append(options)
        managers = {one.removeprefix("--rmgr=") for one in options if one.startswith("--rmgr=")}
        for record in self._records:
            others = (one for one in options if not one.startswith("--rmgr="))
            if (not managers or record.manager in managers) and all(_fits(record, one) for one in others):
                yield record


def _fits(record: Record, option: str) -> bool:
    name, _, value = option.partition("=")
    return {"--xid": str(record.xid) == value, "--relation": f"rel {value} " in record.text}[name]
