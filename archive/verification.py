"""Whether a base backup is what its manifest says: names and sizes at once, checksums while it is copied.

Checks all that pg_verifybackup checks but WAL, which comes from the archive: see ``waldump.verify_wal``.
"""

from __future__ import annotations

from threading import Lock

from archive.backups import BaseBackup
from archive.checksums import Sum, difference, empty_sum
from archive.compression import Garbled
from archive.formats.contents import MANIFEST, WAL, is_safe
from problem import Problem

_CHANGED_SINCE = {"postgresql.auto.conf", "recovery.signal", "standby.signal"}
"""What pg_basebackup -R writes after the manifest was made."""


class Verification:
    """Takes each file of a backup as it is read, from any thread; knows at the end what is wrong."""

    def __init__(self, backup: BaseBackup) -> None:
        self._backup, self._lock = backup, Lock()
        self._listed = backup.manifest().files
        self._seen = set[str]()
        self._complaints = list[str]()

    def sum_of(self, name: str) -> Sum:
        """The empty checksum of a file that is about to be read."""
        return empty_sum(self._listed.get(name))

    def wanted(self, name: str) -> bool:
        """Whether a file belongs to the backup; one that does not is a complaint."""
        if not is_safe(name):
            return self._complain(f"{name!r} leads out of the backup")
        if name in self._listed or _unlisted(name):
            return True
        return self._complain(f"{name} is not in its manifest")

    def read(self, name: str, size: int, found: Sum) -> None:
        """A file was read to its end: so many bytes with that checksum."""
        listed = self._listed.get(name)
        with self._lock:
            self._seen.add(name)
        if listed is None or (name in _CHANGED_SINCE and size != listed.size):
            return
        words = difference(listed, size, found.hexdigest())
        if words:
            self._complain(f"{name} {words}")

    @property
    def blind(self) -> bool:
        """Whether there are files without checksums (pg_basebackup --manifest-checksums=none)."""
        return any(file.size and file.algorithm.upper() == "NONE" for file in self._listed.values())

    @property
    def failed(self) -> bool:
        """Whether it is known already not to be whole: there is no use in reading on."""
        return bool(self._complaints)

    def broken(self, words: str) -> None:
        """Something could not be read to its end."""
        self._complain(words)

    def end(self) -> None:
        """Everything was read: Problem ``backup-damaged`` where something was wrong or is missing."""
        missing = self._listed.keys() - self._seen - _CHANGED_SINCE
        if self._complaints or missing:
            raise damaged(
                self._backup, self._complaints or [f"{name} is missing" for name in sorted(missing)]
            )

    def _complain(self, words: str) -> bool:
        with self._lock:
            self._complaints.append(words)
        return False


def _unlisted(name: str) -> bool:
    """Whether a file may be there that the manifest does not list."""
    return name in {MANIFEST, *_CHANGED_SINCE} or name.startswith(f"{WAL}/")


def check_files(backup: BaseBackup) -> None:
    """Compare names and sizes with the manifest where that takes no reading of data; also of its parents.

    Problem ``backup-damaged`` names files.
    """
    for one in backup.chain:
        complaints = _misfits(one)
        if complaints:
            raise damaged(one, complaints)


def _misfits(backup: BaseBackup) -> list[str]:
    try:
        sizes = backup.contents.sizes()
        if sizes is None:
            return []
        listed = backup.manifest().files
    except (Garbled, OSError, ValueError) as error:
        return [str(error)]
    wrong = [words for name, file in listed.items() if (words := _misfit(name, file.size, sizes.get(name)))]
    extra = [name for name in sorted(sizes.keys() - listed.keys()) if not _unlisted(name)]
    return wrong + [f"{name} is not in its manifest" for name in extra]


def _misfit(name: str, size: int, found: int | None) -> str:
    if found == size or name in _CHANGED_SINCE:
        return ""
    return f"{name} is missing" if found is None else f"{name} has {found:,} bytes instead of {size:,}"


def damaged(backup: BaseBackup, complaints: list[str]) -> Problem:
    """The error of a backup that differs from its manifest: the first complaints, and how many more."""
    shown = "; ".join(complaints[:5]) + (f"; and {len(complaints) - 5} more" if len(complaints) > 5 else "")
    return Problem(
        "backup-damaged",
        f"The base backup {backup.name} in {backup.place} is not whole: {shown}",
        "Bring its files back from a copy, or move its folder away: then an older one is taken",
    )
