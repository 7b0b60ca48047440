"""What the application takes from its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from problem import Misuse
from rehearsal.starforge.settings import database_url, ingestion_allowed


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "ENV_FILE", "FLAGS_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_the_env_file_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment")
    assert database_url() == "postgresql://environment"
    file = tmp_path / "app.env"
    file.write_text("OTHER=1\nDATABASE_URL=postgresql://file\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    assert database_url() == "postgresql://file"


def test_without_a_url_it_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "absent.env"))
    with pytest.raises(Misuse, match=r"absent\.env") as raised:
        database_url()
    assert raised.value.name == "database-url-missing"


@pytest.mark.parametrize(
    ("content", "allowed"), [("ingestion=true", True), ("ingestion=false", False), ("", False)]
)
def test_a_write_is_taken_only_where_the_flag_says_so(
    content: str, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ingestion_allowed(), "there is no flags file at all"
    file = tmp_path / "flags.env"
    monkeypatch.setenv("FLAGS_FILE", str(file))
    assert not ingestion_allowed(), "the flags file is gone"
    file.write_text(content)
    assert ingestion_allowed() is allowed
