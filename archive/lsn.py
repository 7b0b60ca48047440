"""Log sequence numbers: byte positions in the WAL stream (manual, "pg_lsn Type")."""

from __future__ import annotations

import re

from problem import Misuse

_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def parse_lsn(text: str) -> int:
    """``0/1500028`` as a number of bytes; Misuse for anything else."""
    match = _LSN.fullmatch(text.strip())
    if match is None:
        raise Misuse(
            "lsn-invalid",
            f"{text!r} is not a WAL location",
            "Write it as PostgreSQL does: two hexadecimal numbers and a slash, such as 0/1500028",
        )
    return int(match[1], 16) << 32 | int(match[2], 16)


def format_lsn(lsn: int) -> str:
    """The position as PostgreSQL writes it: ``0/1500028``."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
