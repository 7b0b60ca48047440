"""What ``sources`` and ``init`` see of Supabase; nothing of it is changed by looking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from problem import Misuse, Problem
from stacks.providers.supabase.catalog import look_around, what_can_be_restored
from stacks.providers.supabase.settings import Source
from tests.support.supabase.management import Management
from tests.support.supabase.shapes import refusal


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Management]:
    with Management() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made
        assert all(one.method == "GET" for one in made.recorded)


def source(ref: str) -> Source:
    return Source.model_validate({"provider": "supabase", "instance": ref})


def test_backups_and_the_window_are_shown_with_how_they_are_restored(api: Management) -> None:
    found = what_can_be_restored(source(api.add("starforge").ref)).document()
    started = [one["started"] for one in found["backups"]]
    assert started == ["2025-12-02T03:00:00Z", "2025-12-03T03:00:00Z", "2025-11-26T15:00:00Z"]
    assert found["backups"][1]["problems"][0] == "is FAILED"
    assert all("adopt" in one["problems"][-1] for one in found["backups"])
    assert found["backups"][2]["form"] == "any time until 2025-12-03T15:00:00Z"
    assert found["windows"] == [], "no command of ours restores to a time"


def test_clones_are_projects_like_it(api: Management) -> None:
    original = api.add("starforge")
    clone, elsewhere = api.add("clone"), api.add("elsewhere", region="us-east-1")
    found = what_can_be_restored(source(original.ref)).document()["adoptable"]
    assert found == [{"ref": clone.ref, "name": "clone"}]
    assert elsewhere.ref not in str(found)


def test_what_the_token_may_not_see_is_said(api: Management, monkeypatch: pytest.MonkeyPatch) -> None:
    original = api.add("starforge")
    denied = {("GET", "/database/backups"): lambda *_given: refusal(403, "Forbidden resource")}
    monkeypatch.setattr(api, "_routes", Management._routes | denied, raising=False)
    found = what_can_be_restored(source(original.ref)).document()
    assert found["backups"] == found["windows"] == []
    assert "Forbidden resource" in found["unseen"][0]


def test_of_an_original_that_is_gone_the_projects_like_another_one_are_shown(api: Management) -> None:
    like, clone = api.add("stage"), api.add("clone")
    gone = Source.model_validate({"provider": "supabase", "instance": "a" * 20, "like": like.ref})
    found = what_can_be_restored(gone).document()
    assert (found["backups"], found["adoptable"]) == ([], [{"ref": clone.ref, "name": "clone"}])


def test_an_original_that_is_not_there_is_told(api: Management) -> None:
    with pytest.raises(Problem) as caught:
        what_can_be_restored(source("a" * 20))
    assert caught.value.name == "supabase-project-missing"


@pytest.mark.parametrize(
    "given",
    [
        {"url": "postgresql://postgres:x@db.{ref}.supabase.co:5432/postgres"},
        {"url": "postgresql://app.{ref}:x@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"},
        {"instance": "{ref}"},
        {"instance": "starforge"},
    ],
)
def test_the_original_is_found(api: Management, given: dict[str, str]) -> None:
    original = api.add("starforge")
    api.add("another")
    [(name, value)] = given.items()
    found = look_around({name: value.replace("{ref}", original.ref)})
    assert found == {"provider": "supabase", "instance": original.ref, "database": "postgres"}


def test_where_it_is_not_clear_the_projects_are_named(api: Management) -> None:
    original = api.add("starforge")
    with pytest.raises(Misuse, match=f"{original.ref} \\(starforge\\)"):
        look_around({"url": "postgresql://a:b@elsewhere/db"})
