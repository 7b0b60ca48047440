"""What leads to a cluster: real pgbouncers, supervisords, and units of systemd."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.discovery.conftest import Seen
from tests.support.servers import Pgbouncer, Postgres, Supervisord

Look = Callable[..., Seen]


@pytest.fixture
def pooler(cluster: Postgres, server_folder: Path) -> Iterator[Pgbouncer]:
    databases = {
        "shop": f"host=127.0.0.1 port={cluster.port}",
        "shop_ro": f"host=127.0.0.1 port={cluster.port} dbname=shop",
        "other": f"host=127.0.0.1 port={cluster.port} dbname=other",
        "far": "host=10.0.0.1 port=5432 dbname=shop",
    }
    with Pgbouncer(server_folder / "pgbouncer", databases) as running:
        yield running


def test_a_pgbouncer_is_found_with_the_names_that_lead_here(look: Look, pooler: Pgbouncer) -> None:
    found = look().found("pgbouncer")
    assert [one.value for one in found] == [
        f"shop on 127.0.0.1:{pooler.port}",
        f"shop_ro on 127.0.0.1:{pooler.port}",
    ]
    assert (
        found[0].add
        == f"REFORGE_PGBOUNCER_ADMIN=postgresql://admin:PASSWORD@127.0.0.1:{pooler.port}/pgbouncer"
    )
    assert str(pooler.ini) in found[0].evidence
    assert all(not one.fills for one in found)


def test_a_console_that_was_given_is_asked_itself(look: Look, pooler: Pgbouncer, server_folder: Path) -> None:
    seen = look(consoles=(pooler.admin_url,))
    assert [one.value for one in seen.found("pgbouncer")] == [f"shop, shop_ro on 127.0.0.1:{pooler.port}"]
    assert seen.one("pgbouncer").add == ""
    with Pgbouncer(server_folder / "far", {"shop": "host=127.0.0.1 port=1"}) as far:
        said = [one.why for one in look(consoles=(far.admin_url,)).unseen("pgbouncer")]
        assert said == [f"no database of 127.0.0.1:{far.port} leads to this server"]
    nowhere = "postgresql://admin:hunter2@127.0.0.1:1/pgbouncer"
    (refused,) = look(consoles=(nowhere,)).unseen("pgbouncer")
    assert "the console at 127.0.0.1:1 does not let us in" in refused.why
    assert "hunter2" not in refused.why


def test_an_ini_that_may_not_be_read_is_told(
    look: Look, pooler: Pgbouncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pooler.process is not None
    if os.geteuid() == 0:  # whom no mode stops
        pooler.ini.rename(pooler.ini.with_suffix(".gone"))
    else:
        pooler.ini.chmod(0)
    found = [one.why for one in look().unseen("pgbouncer")]
    assert f"pid {pooler.process.pid} runs with {pooler.ini}, which this account may not read" in found


def test_programs_of_supervisord_that_lead_here_are_proposed(
    cluster: Postgres, look: Look, server_folder: Path, pooler: Pgbouncer
) -> None:
    by_file, pooled = server_folder / "etl.env", server_folder / "api.env"
    by_file.write_text(f"# x\nexport DATABASE_URL=postgresql://app:hunter2@127.0.0.1:{cluster.port}/shop\n")
    pooled.write_text(f"KEY=hunter2\nPOOLED='postgresql://app:hunter2@127.0.0.1:{pooler.port}/shop'\n")
    elsewhere = "postgresql://127.0.0.1:1/shop"
    programs = {
        "etl": {"worker": (f"/usr/bin/env ENV_FILE={by_file} sleep 60", 2)},
        "api": {"server": (f"/usr/bin/env ENV_FILE={pooled} sleep 60", 1)},
        "direct": {
            "job": (f"/usr/bin/env DATABASE_URL=postgresql://127.0.0.1:{cluster.port}/shop sleep 60", 1)
        },
        "alien": {"thing": (f"/usr/bin/env DATABASE_URL={elsewhere} sleep 60", 1)},
    }
    with Supervisord(server_folder / "supervisor", programs) as supervisor:
        seen = look()
    mine = [one for one in seen.found("supervisord") if str(server_folder) in one.add]
    assert [one.add for one in mine] == [
        f"--supervisor {supervisor.server_url}#{group}" for group in ("etl", "api", "direct")
    ]
    assert [one.add for one in seen.found("dotenv file")] == [
        f"--env-file {by_file}:DATABASE_URL",
        f"--env-file {pooled}:POOLED",
    ]
    assert "hunter2" not in str(seen.discovery.document())


def test_units_of_systemd_that_lead_here_are_named(cluster: Postgres, look: Look, root: Path) -> None:
    units = root / "etc/systemd/system"
    (units / "worker.service.d").mkdir(parents=True)
    env = root / "worker.env"
    env.write_text(f"DATABASE_URL=postgresql://app:hunter2@127.0.0.1:{cluster.port}/shop\n")
    unit = "[Service]\nExecStart=/srv/worker\n"
    (units / "worker.service").write_text(unit)
    (units / "worker.service.d/db.conf").write_text(f"[Service]\nEnvironmentFile=-{env}\n")
    (units / "report.service").write_text(unit + f"Environment=PGPORT={cluster.port}\n")
    (units / "web.service").write_text(unit + "Environment=DATABASE_URL=postgresql://db:5432/shop\n")
    (units / "lost.service").write_text(unit + "EnvironmentFile=/no/such/file\n")
    seen = look()
    assert sorted(one.value for one in seen.found("systemd unit")) == ["report.service", "worker.service"]
    assert [one.add for one in seen.found("dotenv file")] == [f"--env-file {env}:DATABASE_URL"]
    assert seen.why("dotenv file") == "lost.service reads /no/such/file, which this account may not"
    assert "hunter2" not in str(seen.discovery.document())
