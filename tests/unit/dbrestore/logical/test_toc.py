"""In which encoding an archive's texts are read."""

from __future__ import annotations

import pytest

from dbrestore.logical import toc
from dbrestore.logical.complaints import grade


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("UTF8", "utf-8"),
        ("LATIN1", "iso8859-1"),
        ("WIN1252", "cp1252"),
        ("KOI8R", "koi8-r"),
        ("EUC_JP", "euc_jp"),
        ("SQL_ASCII", "utf-8"),
    ],
)
def test_texts_are_read_in_the_dumps_own_encoding(encoding: str, codec: str) -> None:
    assert toc._codec(f"SET client_encoding = '{encoding}';\n") == codec


def test_a_statement_without_an_encoding_leaves_utf8() -> None:
    assert toc._codec("") == "utf-8"


@pytest.mark.parametrize(
    "said",
    [
        "could not set default_tablespace to fast: ERROR: ...",
        'invalid value for parameter "default_tablespace": "fast"',
    ],
)
def test_a_tablespace_that_a_new_cluster_does_not_have_costs_nothing(said: str) -> None:
    assert grade("the archive", said) == "harmless"
