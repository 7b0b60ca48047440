"""A project made from a dump, with real rows behind the API: everything is there, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dbrestore.handler import PartlyMade, State
from dbrestore.supabase.project import Project
from problem import Problem, Refusal
from tests.support.buckets import s3
from tests.support.servers import folder
from tests.support.supabase.site import USERS, Site

pytestmark = pytest.mark.clouds
MIGRATIONS = "SELECT version FROM auth.schema_migrations"
AUDIT = """
    CREATE FUNCTION public.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    ALTER FUNCTION public.ddl() OWNER TO postgres;
    CREATE ROLE owner SUPERUSER;
    CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.ddl();
    ALTER EVENT TRIGGER audit OWNER TO owner;
"""


@pytest.fixture(scope="module")
def made(site: Site) -> Iterator[tuple[str, State]]:
    inputs = site.inputs(site.dump())
    Project().examine(site.context(), inputs)
    identity, state = Project().create(site.context(), inputs)
    yield identity, state
    Project().delete(site.context(), identity, state | {"serving": False})


def count(site: Site, ref: str, table: str) -> int:
    return int(site.execute(ref, f"SELECT count(*) FROM {table}")[0][0])


def test_a_whole_restore_moves_real_rows(site: Site, made: tuple[str, State]) -> None:
    ref = made[1]["ref"]
    tables = ("auth.users", "auth.identities", "storage.objects", "shop.orders", "public.profiles")
    found = {table: count(site, ref, table) for table in tables}
    assert found == {table: count(site, site.source.ref, table) for table in tables}
    assert found["public.profiles"] == USERS, "its own trigger must not run while rows are loaded"
    assert made[1]["status"] == "ready"


def test_sequences_go_on_where_the_original_stands(site: Site, made: tuple[str, State]) -> None:
    ref = made[1]["ref"]
    assert site.execute(ref, "SELECT nextval('shop.orders_id_seq')") == [(501,)]
    assert site.execute(ref, "SELECT nextval('auth.refresh_tokens_id_seq')") == [(31,)]


def test_what_hangs_on_the_platforms_tables_comes_along(site: Site, made: tuple[str, State]) -> None:
    ref = made[1]["ref"]
    triggers = site.execute(ref, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert triggers == [("on_auth_user_created",)]
    assert site.execute(ref, "SELECT tablename FROM pg_publication_tables") == [("profiles",)]
    policies = site.execute(ref, "SELECT policyname FROM pg_policies ORDER BY 1")
    assert policies == [("Avatars are public",), ("own",)]
    assert site.execute(ref, "SELECT version FROM auth.schema_migrations") == [("2",)], (
        "the platform's own stays"
    )


def test_what_cannot_be_carried_is_named(site: Site, made: tuple[str, State]) -> None:
    [line] = [one for one in made[1]["left"] if "vault" in one]
    assert line.startswith("TABLE DATA vault.secrets: 1 rows: secrets are encrypted")
    assert f"left out: {line}" in site.notes
    assert count(site, made[1]["ref"], "vault.secrets") == 0


def test_the_application_enters_as_its_own_role(site: Site, made: tuple[str, State]) -> None:
    ref = made[1]["ref"]
    assert site.execute(ref, "SELECT current_user, count(*) FROM shop.orders", "app") == [("app", 500)]


def test_until_it_is_accepted_only_operators_reach_it(site: Site, made: tuple[str, State]) -> None:
    identity, state = made
    project = site.api.projects[state["ref"]]
    assert project.networks == {"dbAllowedCidrs": ["127.0.0.1/32"], "dbAllowedCidrsV6": []}
    site.source.networks = {"dbAllowedCidrs": ["198.51.100.0/24"], "dbAllowedCidrsV6": ["2001:db8::/32"]}
    inputs = site.inputs(None, access="application", dump=state["dump"])
    changed = Project().update(site.context(), identity, state, inputs)
    assert changed["networks"] == ["127.0.0.1/32", "198.51.100.0/24", "2001:db8::/32"]
    assert project.networks["dbAllowedCidrsV6"] == ["2001:db8::/32"]


def test_once_the_original_is_gone_its_dump_is_loaded_into_a_project_like_another(site: Site) -> None:
    dump, like = site.dump(), site.api.add("stage", size="medium", region="eu-west-1")
    like.networks = {"dbAllowedCidrs": ["198.51.100.7/32"], "dbAllowedCidrsV6": []}
    with gone(site):
        inputs = site.inputs(dump, name="after-the-loss", access="application")
        with pytest.raises(Problem) as caught:
            Project().examine(site.context(), inputs)
        assert caught.value.name == "supabase-project-missing"
        assert "source.like" in caught.value.cure
        inputs = site.inputs(dump, name="after-the-loss", access="application", like=like.ref)
        Project().examine(site.context(), inputs)
        identity, state = Project().create(site.context(), inputs)
        project = site.api.projects[state["ref"]]
        assert (project.region, project.size) == ("eu-west-1", "medium")
        assert project.networks["dbAllowedCidrs"] == ["127.0.0.1/32", "198.51.100.7/32"]
        assert count(site, state["ref"], "shop.orders") == 500
        Project().delete(site.context(), identity, state)
    assert site.api.named(like.ref) == []
    site.api._delete(like, None)


@contextmanager
def gone(site: Site) -> Iterator[None]:
    """The original, as if somebody had deleted it in the dashboard."""
    original = site.api.projects.pop(site.source.ref)
    yield
    site.api.projects[original.ref] = original


def test_region_and_size_are_the_originals(site: Site, made: tuple[str, State]) -> None:
    project = site.api.projects[made[1]["ref"]]
    assert (project.region, project.size, project.organization) == ("eu-central-1", "small", "forge")


def test_both_ways_of_the_pooler_and_the_direct_one_are_known(site: Site, made: tuple[str, State]) -> None:
    ref = made[1]["ref"]
    assert made[1]["session"] == {"host": "127.0.0.1", "port": site.api.port, "suffix": f".{ref}"}
    assert made[1]["transaction"]["port"] == 6543
    assert made[1]["direct"] == {"host": f"db.{ref}.supabase.co", "port": 5432, "suffix": ""}


def test_created_again_after_a_kill_it_is_found_again(site: Site, made: tuple[str, State]) -> None:
    before = len(site.api.projects)
    identity, state = Project().create(site.context(), site.inputs(Path(made[1]["dump"]["place"])))
    assert (identity, state["ref"]) == (made[0], made[1]["ref"])
    assert len(site.api.projects) == before


def test_a_serving_one_is_not_deleted(site: Site, made: tuple[str, State]) -> None:
    with pytest.raises(Refusal, match="serves the application"):
        Project().delete(site.context(), made[0], made[1] | {"serving": True})
    assert made[1]["ref"] in site.api.projects


def test_one_that_was_renamed_is_left_alone(site: Site, made: tuple[str, State]) -> None:
    project = site.api.projects[made[1]["ref"]]
    project.name, name = "mine now", project.name
    with pytest.raises(Refusal, match="is left alone"):
        Project().delete(site.context(), *made)
    project.name = name
    assert project.ref in site.api.projects


def test_plain_sql_loads_as_well(site: Site) -> None:
    identity, state = Project().create(site.context(), site.inputs(site.dump("plain"), name="plain"))
    assert count(site, state["ref"], "auth.users") == count(site, state["ref"], "public.profiles") == USERS
    assert site.execute(state["ref"], MIGRATIONS) == [("2",)]
    assert any("vault" in one for one in state["left"])
    Project().delete(site.context(), identity, state)


def test_a_dump_is_brought_out_of_an_object_store_and_not_kept(site: Site, tmp_path: Path) -> None:
    with s3(folder(site.place / "s3")) as bucket:
        url = f"{bucket.url}/site/app.dump"
        bucket.put(url, site.dump().read_bytes())
        inputs = site.inputs(None, name="far", dump=None)
        said = {"place": url, "createRoles": True, "storage": dict(bucket.options)}
        inputs = type(inputs).model_validate({**inputs.wire(), "dump": said})
        Project().examine(site.context(), inputs)
        with pytest.MonkeyPatch.context() as here:
            here.setattr("tempfile.tempdir", str(tmp_path))
            identity, state = Project().create(site.context(), inputs)
    assert count(site, state["ref"], "shop.orders") == 500
    assert list(tmp_path.iterdir()) == []
    Project().delete(site.context(), identity, state)


def test_an_event_trigger_of_the_application_has_to_be_accepted(site: Site) -> None:
    platform = site.api.platform
    assert platform
    platform.keep(site.source.ref, AUDIT)
    dump = site.dump()
    platform.keep(site.source.ref, "DROP EVENT TRIGGER audit; DROP FUNCTION public.ddl(); DROP ROLE owner")
    with pytest.raises(Problem, match="EVENT TRIGGER audit") as refused:
        Project().examine(site.context(), site.inputs(dump))
    assert "--accept 'EVENT TRIGGER audit'" in refused.value.cure
    Project().examine(site.context(), site.inputs(dump, dump={"accept": ["EVENT TRIGGER audit"]}))


def test_a_preview_says_how_long_it_will_take(site: Site) -> None:
    site.notes.clear()
    Project().examine(site.context(), site.inputs(site.dump()))
    [note] = site.notes
    assert note.startswith("loading data ")
    assert note.endswith("A new project takes some minutes more.")


def test_a_smaller_size_is_refused(site: Site) -> None:
    with pytest.raises(Refusal, match="micro is smaller"):
        Project().examine(site.context(), site.inputs(site.dump(), size="micro"))


def test_a_load_that_is_refused_leaves_no_project(site: Site) -> None:
    dump = site.dump()
    with pytest.raises(Problem) as failed:
        Project().create(site.context(), site.inputs(dump, name="refused", dump={"createRoles": False}))
    assert failed.value.name == "roles-missing"
    assert not isinstance(failed.value, PartlyMade)
    assert not [one for one in site.api.made() if one.name.startswith("refused")]
