"""pg_basebackup's tar form: base.tar, OID.tar for each tablespace, pg_wal.tar; each compressed or not."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

from archive.compression import Garbled, decompressed, is_compressed, reading
from archive.formats.contents import TABLESPACES, WAL, Contents, File, Part
from archive.formats.tree import Tree
from archive.segments import PageFacts, page_facts

_NAME = re.compile(r"(?P<what>base|pg_wal|[1-9]\d*)\.(tar|tgz)(\.(?P<suffix>\w+))?")
_HEAD = ("backup_label", "tablespace_map")
"""What the server sends before everything else."""
_BUFFER = 1024 * 1024
_WAL_PAGES = {0xD106: 13, 0xD10D: 14, 0xD110: 15, 0xD113: 16, 0xD116: 17, 0xD118: 18}
"""XLOG_PAGE_MAGIC (src/include/access/xlog_internal.h) by major version."""


class Tarred(Contents):
    """Tar files beside a backup_manifest, here or in an object store."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        found = (_NAME.fullmatch(name) for name in tree.top)
        self._tars = {match["what"]: match.string for match in found if match}
        suffix = Path(self._tars["base"]).suffix.removeprefix(".")
        self.form = "tar" if suffix == "tar" else f"tar, {suffix}"

    @staticmethod
    def fits(tree: Tree) -> bool:
        """Whether a folder is in this form."""
        return any((match := _NAME.fullmatch(name)) and match["what"] == "base" for name in tree.top)

    def read(self, name: str) -> bytes:
        if name in self.tree.top:
            return self.tree.read(name)
        found = self._head.get(name) if name in _HEAD else self._search(lambda one: one == name)
        if found is None:
            raise FileNotFoundError(2, "No such file in the base backup", name)
        return found

    def version(self) -> int:
        page = self._wal_page
        if page and page.magic in _WAL_PAGES:
            return _WAL_PAGES[page.magic]
        found = self._search(lambda name: name.rpartition("/")[2] == "PG_VERSION")
        if found is None:
            raise ValueError(f"its {self._tars['base']} has no PG_VERSION")
        return int(found.split(b".")[0])

    def system_identifier(self) -> int | None:
        return self._wal_page.system_identifier if self._wal_page else None

    def tablespaces(self) -> Mapping[int, str]:
        lines = self._head.get("tablespace_map", b"").decode("utf-8", "surrogateescape")
        known = dict(line.partition(" ")[::2] for line in _map_lines(lines))
        for what in known.keys() - self._tars.keys():
            raise ValueError(f"its tar file of the tablespace {what} is missing, which lay in {known[what]}")
        return {int(what): known.get(what, "") for what in sorted(self._tars) if what.isdigit()}

    def sizes(self) -> None:
        return None

    def parts(self) -> list[Part]:
        return [part for what, name in self._tars.items() for part in self._parts(what, name)]

    def _parts(self, what: str, name: str) -> list[Part]:
        path, prefix = self.tree.path(name), _prefix(what)
        if path is None or self._compressed(name):
            return [_Stream(self.tree, name, prefix)]
        return [_Slice(path, prefix, member) for member in _members(path)]

    def _compressed(self, name: str) -> bool:
        with self.tree.open(name) as stream:
            return is_compressed(stream)

    def wal(self) -> Mapping[str, int]:
        if WAL in self._tars:
            return self._own_wal
        return {}  # with -X fetch it lies at the end of base.tar, too far to look for it

    @cached_property
    def _own_wal(self) -> Mapping[str, int]:
        with self._opened(self._tars[WAL]) as tar:
            return {member.name: member.size for member in tar if member.isfile()}

    def wal_file(self, name: str) -> Path:
        def fetch(target: Path) -> None:
            with self._opened(self._tars[WAL]) as tar, target.open("xb") as file:
                found = next(member for member in tar if member.name == name)
                shutil.copyfileobj(_content(tar, found), file)

        return self._cache.get(name, fetch)

    @cached_property
    def _head(self) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        with self._opened(self._tars["base"]) as tar:
            for member in tar:
                if _clean(member.name) not in _HEAD:
                    break
                found[_clean(member.name)] = _content(tar, member).read()
        return found

    @cached_property
    def _wal_page(self) -> PageFacts | None:
        """The first page of its own WAL; cheap, because it lies in the beginning of pg_wal.tar."""
        if WAL not in self._tars:
            return None
        with self._opened(self._tars[WAL]) as tar:
            first = next((member for member in tar if len(member.name) == 24), None)
            return page_facts(_content(tar, first)) if first else None

    def _search(self, wanted: Callable[[str], bool]) -> bytes | None:
        """The first such file of base.tar: reads all that lies before it."""
        with self._opened(self._tars["base"]) as tar:
            return next((_content(tar, member).read() for member in tar if wanted(_clean(member.name))), None)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tarfile.TarFile]:
        with self.tree.open(name) as stream, untarring(name), _streamed(stream) as tar:
            yield tar


class _Stream(Part):
    """A tar file that can only be read from its beginning to its end."""

    def __init__(self, tree: Tree, name: str, prefix: str) -> None:
        self.tree, self.name, self.prefix = tree, name, prefix
        self.size = tree.top[name]

    def files(self) -> Iterator[File]:
        with self.tree.open(self.name) as stream, untarring(self.name), _streamed(stream) as tar:
            for member in tar:
                if member.isfile():
                    name, content = self.prefix + _clean(member.name), _content(tar, member)
                    yield File(name, member.size, _Guarded(content, self.name))


class _Guarded:
    """A member's content, read by somebody who knows nothing of tar files and their errors."""

    def __init__(self, content: BinaryIO, tar: str) -> None:
        self._content, self._tar = content, tar

    def read(self, size: int = -1, /) -> bytes:
        with untarring(self._tar):
            return self._content.read(size)


class _Slice(Part):
    """One file of a tar file that lies on this machine uncompressed."""

    def __init__(self, tar: Path, prefix: str, member: tarfile.TarInfo) -> None:
        self.tar, self.offset = tar, member.offset_data
        self.name, self.size = prefix + _clean(member.name), member.size

    def files(self) -> Iterator[File]:
        with self.tar.open("rb", buffering=0) as file:
            file.seek(self.offset)
            yield File(self.name, self.size, _Next(file, self.size))


class _Next:
    """The next ``left`` bytes of a file; fewer where it ends early."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file, self._left = file, left

    def read(self, size: int = -1, /) -> bytes:
        found = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(found)
        return found


@contextmanager
def untarring(name: str) -> Iterator[None]:
    """Maps what is raised at damaged and cut-off tar files to ``Garbled``, with the tar file's name."""
    try:
        with reading():
            yield
    except Garbled as error:
        raise Garbled(f"{name} {error}") from error
    except tarfile.TarError as error:
        raise Garbled(f"{name} is damaged or cut short ({error})") from error


def _streamed(stream: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(fileobj=decompressed(stream), mode="r|", bufsize=_BUFFER)


def _members(path: Path) -> list[tarfile.TarInfo]:
    with untarring(path.name), tarfile.open(path, mode="r:") as tar:
        return [member for member in tar if member.isfile()]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    found = tar.extractfile(member)
    if found is None:
        raise Garbled(f"holds {member.name}, which is no file")
    return cast(BinaryIO, found)


def _clean(name: str) -> str:
    return name.removeprefix("./")


def _prefix(what: str) -> str:
    """What the names in a tar file are relative to."""
    return {"base": "", WAL: f"{WAL}/"}.get(what, f"{TABLESPACES}/{what}/")


def _map_lines(text: str) -> list[str]:
    r"""The lines of a tablespace_map: a newline within a path is written \ and newline (xlog.c)."""
    return [
        re.sub(r"\\(.)", r"\1", line, flags=re.DOTALL)
        for line in re.findall(r"(?:\\.|[^\\\n])+", text, re.DOTALL)
    ]
