"""The table of contents of an archive, written here byte by byte as pg_dump writes it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from dbrestore.logical.data import Data
from dbrestore.logical.entries import Entry
from dbrestore.logical.options import Options
from dbrestore.logical.reading import Dump, archive_of
from dbrestore.logical.selection import select
from dbrestore.logical.toc import read_toc
from problem import Misuse, Problem


def number(value: int) -> bytes:
    return bytes([value < 0]) + abs(value).to_bytes(4, "little")


def text(value: str | None) -> bytes:
    return number(-1) if value is None else number(len(value)) + value.encode()


def archive(minor: int = 14, kind: int = 1, entries: bytes = b"", count: int = 0) -> bytes:
    """Magic, format version, sizes of numbers and offsets, kind, compression, time, names, entries."""
    compression = bytes([3]) if minor >= 15 else number(-1)
    head = b"PGDMP" + bytes([1, minor, 0, 4, 8, kind]) + compression + number(0) * 7
    return head + text("app") + text("15.18 (Debian)") + text("16.2") + number(count) + entries


def entry(minor: int, offset: int | None, kind: str = "TABLE DATA") -> bytes:
    made = number(215) + number(1) + text("1259") + text("16385") + text("users") + text(kind) + number(3)
    made += text("") + text("") + text("COPY public.users (id) FROM stdin;\n") + text("public") + text("")
    made += (text("heap") if minor >= 14 else b"") + (number(ord("r")) if minor >= 16 else b"")
    made += text("app") + text("false") + text("7") + text(None)
    return made + bytes([2 if offset else 1]) + (offset or 0).to_bytes(8, "little")


@pytest.mark.parametrize(("minor", "reader"), [(12, 10), (13, 10), (14, 12), (15, 16), (16, 17)])
def test_each_format_version_is_read(minor: int, reader: int) -> None:
    kind, header, [found] = read_toc(io.BytesIO(archive(minor, 1, entry(minor, 900), 1)), "d")
    assert (kind, header.server, header.pg_dump, header.database) == ("custom", "15.18", "16.2", "app")
    assert header.needed == max(15, reader)
    assert header.compression == ("zstd" if minor >= 15 else "gzip")
    assert found == Entry(
        215, "TABLE DATA", "public", "users", "app", "", "data",
        "COPY public.users (id) FROM stdin;", (7,), 900,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (archive(17), "dump-too-new"),
        (b"PGDMP\x02" + archive()[6:], "dump-too-new"),
        (archive(9), "dump-damaged"),
        (archive(kind=7), "dump-damaged"),
        (archive(count=-5), "dump-damaged"),
        (b"PGDUMP" + archive(), "dump-damaged"),
        (
            archive(14, 1, entry(14, 9).replace(number(5) + b"users", number(1 << 31) + b"users"), 1),
            "dump-damaged",
        ),
        (archive(14, 1, entry(14, 9)[:-3], 1), "dump-truncated"),
        (archive()[:30], "dump-truncated"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, name: str) -> None:
    with pytest.raises(Problem) as caught:
        read_toc(io.BytesIO(content), "app.dump")
    assert caught.value.name == name
    assert "app.dump" in caught.value.what


def block(rows: bytes, dump_id: int = 215) -> bytes:
    """A data block of the custom format, not compressed."""
    return b"\x01" + number(dump_id) + number(len(rows)) + rows + number(0)


def custom(path: Path, data: bytes, offset: int | None = None) -> Dump:
    """A custom archive with one table; without an offset as where pg_dump could not seek back."""
    head = archive(14, 1, entry(14, offset), 1).replace(number(-1), number(0), 1)
    path.write_bytes(head + data)
    return archive_of(path, "custom")


def test_data_is_found_where_pg_dump_could_not_write_its_place(tmp_path: Path) -> None:
    dump = custom(tmp_path / "d", block(b"other", 9) + block(b"1\n2\n"))
    data = Data(dump)
    data.check()
    assert b"".join(data.chunks(dump.entries[0])) == b"1\n2\n"
    assert data.size(dump.entries[0]) == len(block(b"1\n2\n"))


@pytest.mark.parametrize("lost", range(1, len(block(b"1\n2\n")) + 1))
def test_a_custom_archive_that_lost_its_last_bytes_is_not_whole(tmp_path: Path, lost: int) -> None:
    begin = len(archive(14, 1, entry(14, 1), 1))
    with pytest.raises(Problem) as caught:
        Data(custom(tmp_path / "d", block(b"1\n2\n")[:-lost], begin)).check()
    assert caught.value.name == "dump-truncated"


def test_another_block_in_a_tables_place_is_damage(tmp_path: Path) -> None:
    begin = len(archive(14, 1, entry(14, 1), 1))
    dump = custom(tmp_path / "d", block(b"1\n", 9), begin)
    with pytest.raises(Problem, match="another block lies in its place"):
        list(Data(dump).chunks(dump.entries[0]))


# Selections

GRAPH = (
    Entry(1, "SCHEMA", "", "shop"),
    Entry(2, "TYPE", "shop", "state", needs=(1,)),
    Entry(3, "TABLE", "shop", "users", needs=(1,)),
    Entry(4, "TABLE", "shop", "orders", needs=(1, 2)),
    Entry(5, "SEQUENCE", "shop", "orders_id", needs=(4, 1)),
    Entry(6, "DEFAULT", "shop", "orders id", needs=(5, 4)),
    Entry(7, "TABLE DATA", "shop", "orders", needs=(4,)),
    Entry(8, "CONSTRAINT", "shop", "users users_pkey", needs=(3,)),
    Entry(9, "FK CONSTRAINT", "shop", "orders user_fkey", needs=(3, 8, 4)),
    Entry(10, "ACL", "", "SCHEMA shop", needs=(1,)),
    Entry(11, "FUNCTION", "shop", "f()", needs=(1,)),
    Entry(12, "VIEW", "shop", "paid", needs=(4,)),
    Entry(13, "TABLE", "other", "t"),
)


def chosen(**options: tuple[str, ...]) -> tuple[set[int], list[str]]:
    dump = Dump(Path("/d"), "custom", read_toc(io.BytesIO(archive()), "d")[1], GRAPH)
    entries, notes = select(dump, Options(**options))  # type: ignore[arg-type]
    return {one.number for one in entries}, notes


def test_a_table_brings_what_it_needs_and_what_hangs_on_it() -> None:
    numbers, notes = chosen(tables=("orders",))
    assert numbers == {1, 2, 4, 5, 6, 7, 10}
    assert notes == ["left out, for it needs what was not chosen: FK CONSTRAINT shop.orders user_fkey"]


def test_a_foreign_key_comes_where_both_of_its_tables_do() -> None:
    numbers, notes = chosen(tables=("shop.orders", "shop.users"))
    assert numbers == {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
    assert notes == []


def test_a_schema_brings_all_of_its_own() -> None:
    assert chosen(schemas=("shop",)) == (set(range(1, 13)), [])
    assert chosen() == (set(range(1, 14)), [])


def test_a_name_that_is_not_there_is_refused() -> None:
    for options in ({"tables": ("shop.f()",)}, {"schemas": ("orders",)}):
        with pytest.raises(Misuse) as caught:
            chosen(**options)
        assert caught.value.name == "not-in-dump"
