"""The foreign clusters of the tests: features grouped into few servers, so that all of it stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from tests.foreign.cluster import Made
from tests.foreign.features import (
    collations,
    columns,
    contrib,
    extensions,
    large_objects,
    many_tables,
    owners,
    partitions,
    tablespaces,
    umlauts,
    unlogged,
    vectors,
)

_COMMON = {"wal_level": "replica", "max_wal_senders": "4"}
_HOSTILE = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kolkata",
    "bytea_output": "escape",
    "extra_float_digits": "-3",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
}
"""Settings of the whole server that change what every client sees."""


@dataclass(frozen=True)
class Specimen:
    """A cluster: the major version that it needs, how it was made, what is in it."""

    major: int
    made: Made
    features: Sequence[ModuleType]


SPECIMENS = {
    # ICU throughout, checksums, small WAL segments, a name that needs quoting, an extension of its own.
    "icu": Specimen(
        15,
        Made(
            superuser="dba",
            database='my "odd" db é',
            initdb=(
                "-E",
                "UTF8",
                "--locale-provider=icu",
                "--icu-locale=de-DE",
                "--locale=C.UTF-8",
                "--data-checksums",
                "--wal-segsize=1",
            ),
            settings={**_COMMON, "shared_preload_libraries": "pg_stat_statements"},
        ),
        (collations, columns, contrib, extensions, owners, partitions, large_objects, unlogged),
    ),
    # LATIN1, no checksums, no database postgres, Debian's layout.
    "latin1": Specimen(
        15,
        Made(
            database="buecher",
            initdb=("-E", "LATIN1", "--locale=C"),
            settings={**_COMMON, "cluster_name": "alt"},
            config_elsewhere=True,
            without_postgres=True,
        ),
        (umlauts, columns, partitions, unlogged),
    ),
    # Another major version, tablespaces, a superuser with a space in its name.
    "sixteen": Specimen(
        16,
        Made(
            superuser="Admin User", initdb=("-E", "UTF8", "--locale=C", "--wal-segsize=1"), settings=_COMMON
        ),
        (tablespaces, vectors, owners, columns, large_objects),
    ),
    "eighteen": Specimen(
        18,
        Made(initdb=("-E", "UTF8", "--locale=C", "--wal-segsize=4"), settings=_COMMON),
        (columns, partitions, vectors, extensions, unlogged, tablespaces),
    ),
    # Settings that change what a client sees of everything, and a config file in another encoding.
    "hostile": Specimen(
        15,
        Made(settings={**_COMMON, **_HOSTILE}, comment="# wie früher, für Oma".encode("latin-1")),
        (columns, umlauts),
    ),
    "thousand": Specimen(
        15, Made(initdb=("-E", "UTF8", "--locale=C", "--wal-segsize=1"), settings=_COMMON), (many_tables,)
    ),
}
