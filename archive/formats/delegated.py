"""A base backup that only the tool which made it can unpack."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive.formats.contents import Contents, Part
from archive.formats.tree import Tree


@dataclass(frozen=True)
class Facts:
    """What the tool tells of the cluster that a backup is of."""

    version: int
    """Major version of PostgreSQL."""
    system_identifier: int
    tablespaces: Mapping[int, str]


class Delegated(Contents):
    """Its files are neither listed nor read by us; the tool verifies what it restores."""

    def __init__(self, tree: Tree, form: str, facts: Facts) -> None:
        super().__init__(tree)
        self.form, self._facts = form, facts

    @abstractmethod
    def restore(
        self, folder: Path, tablespaces: Mapping[int, Path], told: Callable[[float | None], bool]
    ) -> None:
        """Unpack it into an empty folder of the account that the tool runs as.

        ``told`` takes the share that is done, as far as it is known, and gives whether to go on; if not,
        the tool is ended and half the work left. Problem in the tool's words where it fails.
        """

    def read(self, name: str) -> bytes:
        raise FileNotFoundError(2, "Only the tool that made the backup reads its files", name)

    def version(self) -> int:
        return self._facts.version

    def system_identifier(self) -> int:
        return self._facts.system_identifier

    def tablespaces(self) -> Mapping[int, str]:
        return self._facts.tablespaces

    def sizes(self) -> None:
        return None

    def parts(self) -> list[Part]:
        return []

    def wal(self) -> Mapping[str, int]:
        return {}

    def wal_file(self, name: str) -> Path:
        raise FileNotFoundError(2, "Only the tool that made the backup reads its files", name)
