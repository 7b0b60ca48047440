"""Supabase in small: its API, and a PostgreSQL with the databases of its projects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbrestore.supabase import waiting
from tests.support.servers import Postgres, scratch
from tests.support.supabase.faults import Faults
from tests.support.supabase.management import Management
from tests.support.supabase.platform import Platform
from tests.support.supabase.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """With an original; at the end nothing is left, and no call but reading ones ever named the original."""
    with (
        scratch() as place,
        Postgres(place / "pg") as server,
        Management(Platform(server).prepare()) as api,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in api.environment.items():
            environment.setenv(name, value)
        site = Site.make(api, place)
        yield site
        assert api.made() == []
        assert api.named(site.source.ref) == []
        assert not [str(one) for one in api.recorded if "restore" in one.path or "query" in one.path]


@pytest.fixture(autouse=True)
def _in_order(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test makes its own faults; what takes minutes at Supabase is looked at more often."""
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.05)
    site.api.faults = Faults()
    yield
    site.api.faults = Faults()
