"""What the program declares at each stage of an incident, as a reviewer would list it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from problem import heard
from tests.stacks.deployment import Declared, Deployment, Secret, Unknown, deploy
from tests.unit.stacks.examples import CONSOLE, SOURCE, URL, VALIDATED, WAIVED, good

INSTANCE, ROUTE = "dbrestore:postgres:Instance", "dbrestore:pgbouncer:Route"
GROUP, ENTRY = "dbrestore:supervisor:Group", "dbrestore:envfile:Entry"
LATEST = {"from": {"latest": True}}
THERE = "postgresql://app:hunter2@127.0.0.1:5544/starforge"
"""The application's connection string at the restored instance."""
ENV, FLAG = "env-file:/srv/app/.env#DATABASE_URL", "flag:/srv/app/flags.env#ingestion"
POOL, WORKERS = "pgbouncer-starforge", "supervisor-etl"


def before() -> dict[str, Any]:
    """The stack before anything happened."""
    return good(restores={})


def stage(name: str) -> dict[str, Any]:
    """The config at a stage of one incident, each a line or two more than the one before."""
    changes: dict[str, dict[str, Any]] = {
        "before": {},
        "paused": {"writing": "none"},
        "restored": {"writing": "none", "restores": {"r": LATEST}},
        "validated": {"writing": "none", "restores": {"r": LATEST | {"validated": VALIDATED}}},
    }
    moved = {"restores": {"r": LATEST | {"validated": VALIDATED}}, "serving": "r"}
    changes |= {
        "cut over": {**moved, "writing": "none"},
        "canary": {**moved, "writing": "canary"},
        "recovered": {**moved, "writing": "all"},
        "rolled back": {**moved, "writing": "all", "serving": "source"},
    }
    return {**before(), **changes[name]}


def row(deployment: Deployment) -> tuple[Any, ...]:
    """A stage in a line: who may enter a restore, does it serve; where the application goes; who writes."""
    instances = [one for one in deployment.resources.values() if one.type == INSTANCE]
    restore = next(((one.inputs["access"], one.inputs["serving"]) for one in instances), None)
    route, env = deployment.resources[POOL], deployment.resources[ENV]
    assert route.inputs["url"] == env.inputs["value"] == deployment.outputs["url"]
    place = f"{route.inputs['host']}:{route.inputs['port']:.0f}"
    workers, flag = deployment.resources[WORKERS], deployment.resources[FLAG]
    assert workers.inputs["database"] == place, "its processes would write on to the database that was left"
    return restore, place, workers.inputs["desired"], flag.inputs["value"]


@pytest.mark.parametrize(
    ("name", "restore", "application", "workers", "flag"),
    [
        ("before", None, "db.internal:5432", "all", "true"),
        ("paused", None, "db.internal:5432", "none", "false"),
        ("restored", ("operators", False), "db.internal:5432", "none", "false"),
        ("validated", ("application", False), "db.internal:5432", "none", "false"),
        ("cut over", ("application", True), "127.0.0.1:5544", "none", "false"),
        ("canary", ("application", True), "127.0.0.1:5544", "canary", "false"),
        ("recovered", ("application", True), "127.0.0.1:5544", "all", "true"),
        ("rolled back", ("application", False), "db.internal:5432", "all", "true"),
    ],
)
def test_each_stage_is_a_small_difference(
    name: str, restore: Any, application: str, workers: str, flag: str
) -> None:
    assert row(deploy(stage(name))) == (restore, application, workers, flag)


@pytest.mark.parametrize(
    ("target", "until"),
    [
        ({"snapshot": "monday"}, {"kind": "snapshot", "value": "monday", "inclusive": True}),
        (
            {"time": "2025-12-03T15:23:00+01:00"},
            {"kind": "time", "value": "2025-12-03T14:23:00Z", "inclusive": True},
        ),
        ({"lsn": "0/15000a8", "inclusive": False}, {"kind": "lsn", "value": "0/15000A8", "inclusive": False}),
        ({"xid": 731}, {"kind": "xid", "value": "731", "inclusive": True}),
        ({"name": "before"}, {"kind": "name", "value": "before", "inclusive": True}),
        ({"latest": True}, {"kind": "latest", "inclusive": True}),
    ],
)
def test_an_instance_is_declared_with_all_that_it_is_made_of(target: dict[str, Any], until: Any) -> None:
    restore = {"from": target, "port": 5599}
    assert deploy(good(restores={"r": restore})).one(INSTANCE) == Declared(
        type=INSTANCE,
        name="r",
        inputs={
            "name": "r",
            "directory": "/srv/restores/r",
            "source": {
                "database": "starforge",
                "user": "app",
                "archive": "/srv/archive/wal",
                "backups": "/srv/archive/base",
                "dataDirectory": "/srv/pg/main",
            },
            "until": until,
            "operators": ["203.0.113.7/32"],
            "access": "operators",
            "serving": False,
            "listen": "127.0.0.1",
            "port": 5599,
            "clients": ["127.0.0.1/32", "::1/128"],
        },
        after=(),
        protect=False,
        secret_outputs=("password",),
    )


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        (
            {"pgbackrest": {"stanza": "main", "config": "/etc/pgbackrest.conf"}},
            {"pgbackrest": {"stanza": "main", "config": "/etc/pgbackrest.conf", "repo": 1}},
        ),
        ({"barman": {"home": "/srv/barman", "server": "main"}},) * 2,
        ({"wal-g": {"prefix": "s3://site/wal"}}, {"walG": {"prefix": "s3://site/wal"}}),
    ],
)
def test_a_tools_repository_is_declared_in_place_of_folders(written: Any, declared: Any) -> None:
    kept = {name: place for name, place in SOURCE.items() if name not in ("backups", "archive")}
    found = deploy(good(source=kept | written)).one(INSTANCE).inputs["source"]
    others = {"database": "starforge", "user": "app", "dataDirectory": "/srv/pg/main"}
    assert found == others | declared


def test_a_dump_is_declared_with_how_it_is_loaded_and_the_applications_password() -> None:
    said = {"dump": "/srv/app.dump", "jobs": 8, "role": "app", "no-owner": True, "roles": {"old": "app"}}
    declared = deploy(good(restores={"r": {"from": said}})).one(INSTANCE).inputs
    assert declared["until"] == {"kind": "dump", "value": "/srv/app.dump", "inclusive": True}
    assert isinstance(declared["password"], Secret)
    assert declared["password"].value
    assert declared["dump"] == {
        "jobs": 8,
        "role": "app",
        "noOwner": True,
        "schemas": [],
        "tables": [],
        "roles": {"old": "app"},
        "createRoles": False,
        "accept": [],
        "locale": "",
        "checksums": True,
    }


def test_missing_roles_are_made_where_the_config_says_so() -> None:
    declared = deploy(good(restores={"r": {"from": {"dump": "/d", "roles": "create"}}})).one(INSTANCE).inputs
    assert (declared["dump"]["createRoles"], declared["dump"]["roles"]) == (True, {})


def test_an_object_store_is_declared_as_its_url_and_how_to_reach_it() -> None:
    raw = good(restores={"r": {"from": {"latest": True}}})
    raw["source"] |= {"backups": "s3://site/base", "storage": {"endpoint-url": "http://127.0.0.1:9000"}}
    raw["source"] |= {"tablespaces": {"/mnt/fast": "/mnt/spare"}}
    declared = deploy(raw).one(INSTANCE).inputs["source"]
    assert declared["backups"] == "s3://site/base"
    assert declared["tablespaces"] == {"/mnt/fast": "/mnt/spare"}
    assert declared["storage"] == {"endpointUrl": "http://127.0.0.1:9000", "anon": False}


def test_endpoints_and_writers_are_declared_with_all_that_they_need() -> None:
    raw = stage("cut over")
    raw["writers"][0]["supervisor"] |= {"username": "ops", "password": "hunter2"}
    declared = deploy(raw).resources
    assert {name: declared[name].inputs for name in (ENV, POOL, WORKERS, FLAG)} == {
        ENV: {
            "path": "/srv/app/.env",
            "key": "DATABASE_URL",
            "value": Secret(THERE),
            "shown": "postgresql://app:***@127.0.0.1:5544/starforge",
        },
        POOL: {
            "database": "starforge",
            "admins": Secret([CONSOLE]),
            "host": "127.0.0.1",
            "port": 5544,
            "url": Secret(THERE),
            "timeouts": {"pause": 10},
        },
        WORKERS: {
            "server": "unix:///run/supervisor.sock",
            "group": "etl",
            "username": "ops",
            "password": Secret("hunter2"),
            "desired": "none",
            "database": "127.0.0.1:5544",
            "record": ".reforge/records",
        },
        FLAG: {"path": "/srv/app/flags.env", "key": "ingestion", "value": "false"},
    }


def order(name: str) -> dict[str, tuple[str, ...]]:
    """What each resource of a stage waits for."""
    return {name: one.after for name, one in deploy(stage(name)).resources.items()}


def after(*names: str) -> tuple[str, ...]:
    return tuple(sorted(names))


ENDPOINTS, WRITERS = after(ENV, POOL), after(FLAG, WORKERS)


@pytest.mark.parametrize("name", ["canary", "recovered"])
def test_the_application_moves_to_what_is_there_and_writers_come_back_after_it(name: str) -> None:
    found = order(name)
    assert (found["r"], found[POOL], found[ENV]) == ((), ("r",), after("r", POOL))
    # The workers are told the address of their database as well.
    assert (found[WORKERS], found[FLAG]) == (after("r", *ENDPOINTS), ENDPOINTS)


def test_writers_stop_before_the_application_moves() -> None:
    found = order("cut over")
    assert (found["r"], found[WORKERS], found[FLAG]) == ((), ("r",), ())
    assert found[POOL] == after("r", *WRITERS)


@pytest.mark.parametrize("name", ["restored", "cut over", "recovered", "rolled back"])
def test_the_endpoint_that_proves_the_new_server_moves_before_the_others(name: str) -> None:
    found = order(name)
    assert found[ENV] == after(*found[POOL], POOL)


def test_nothing_waits_for_a_restore_that_does_not_serve() -> None:
    for name in ("restored", "validated", "rolled back"):
        assert all("r" not in waits for waits in order(name).values())


def test_only_the_restore_that_serves_is_protected() -> None:
    restores = {name: LATEST | {"waived": WAIVED} for name in ("one", "two")}
    declared = deploy(good(restores=restores, serving="two")).resources
    assert {name for name, one in declared.items() if one.protect} == {"two"}


@pytest.mark.parametrize("name", ["before", "restored", "recovered", "rolled back"])
def test_the_source_is_in_no_resource_but_as_where_the_application_goes(name: str) -> None:
    declared = deploy(stage(name)).resources
    kinds = {one.type for one in declared.values()}
    assert kinds <= {INSTANCE, ROUTE, GROUP, ENTRY}
    assert {one.name for one in declared.values() if one.type == INSTANCE} <= {"r"}
    places = [one.inputs["directory"] for one in declared.values() if one.type == INSTANCE]
    assert all(place.startswith("/srv/restores/") for place in places)


def clear(value: Any) -> str:
    """Everything that is not secret, as text."""
    if isinstance(value, Secret):
        return ""
    if isinstance(value, dict):
        return " ".join(f"{name} {clear(inner)}" for name, inner in value.items())
    return " ".join(clear(inner) for inner in value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("name", ["before", "restored", "recovered"])
def test_no_password_is_in_an_input_or_output_that_is_not_secret(name: str, preview: bool) -> None:
    raw = stage(name)
    raw["writers"][0]["supervisor"] |= {"username": "ops", "password": "hunter2"}
    deployment = deploy(raw, preview)
    said = clear([one.inputs for one in deployment.resources.values()]) + clear(deployment.outputs)
    assert "app" in said
    assert "hunter2" not in said


def test_what_a_dotenv_line_held_before_stays_secret() -> None:
    assert deploy(before()).resources[ENV].secret_outputs == ("original", "previous", "value")


def test_a_pipeline_reads_who_serves_and_where_everything_is() -> None:
    outputs = deploy(stage("recovered")).outputs
    assert outputs == {
        "serving": "r",
        "writing": "all",
        "url": Secret(THERE),
        "restores": {"r": {"host": "127.0.0.1", "port": 5544, "url": Secret(THERE)}},
    }
    assert deploy(before()).outputs["url"] == Secret(URL)


def test_a_preview_shows_the_host_of_a_restore_that_is_not_there_yet_and_its_port_if_it_is_given() -> None:
    chosen = deploy(stage("cut over"), preview=True).resources[POOL].inputs
    assert (chosen["host"], chosen["port"], chosen["url"]) == ("127.0.0.1", Unknown(), Unknown())
    restores = {"r": LATEST | {"validated": VALIDATED, "port": 5544}}
    given = deploy({**stage("cut over"), "restores": restores}, preview=True).resources[POOL].inputs
    assert (given["port"], given["url"]) == (5544, Secret(THERE))


def test_a_role_with_a_special_name_is_asked_for_by_its_name() -> None:
    raw = good(source_url="postgresql://app%40team:hunter2@db.internal/starforge")
    assert deploy(raw).one(INSTANCE).inputs["source"]["user"] == "app@team"


def test_a_wrong_config_ends_the_run_in_the_models_words() -> None:
    with pytest.raises(pulumi.RunError) as caught:
        deploy({**good(), "serving": "nowhere", "suit": 5})
    problem = heard(str(caught.value))
    assert problem
    assert problem.name == "config-wrong"
    assert [line.split(":")[1] for line in problem.what.splitlines()] == ["suit", "serving"]


def test_a_value_that_is_no_json_is_told_as_it_was_written() -> None:
    with pytest.raises(pulumi.RunError, match="reforge:operators: input should be a valid list"):
        deploy(good(operators="203.0.113.7"))


def test_a_text_that_looks_like_a_number_stays_text() -> None:
    assert deploy(good(suite="2025")).outputs["serving"] == "source"
