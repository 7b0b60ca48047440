"""Whether a segment that the archive lacks still lies in the source's own pg_wal."""

from __future__ import annotations

from pathlib import Path

from archive.segments import Segment


def still_in_source(segment: Segment, data_directory: Path | None) -> bool | None:
    """By the source's pg_wal, read only; None where its data directory is unknown or unreadable."""
    if data_directory is None:
        return None
    try:
        # stat by way of the folder: "cannot look" and "not there" are different answers.
        return segment.name in {file.name for file in (data_directory / "pg_wal").iterdir()}
    except OSError:
        return None


def hint(segment: Segment, data_directory: Path | None) -> str:
    """A sentence to end a message with, or nothing."""
    if not still_in_source(segment, data_directory):
        return ""
    return (
        f" {segment.name} still lies in the source's pg_wal: archive_command may be failing, "
        "see pg_stat_archiver on the source."
    )
