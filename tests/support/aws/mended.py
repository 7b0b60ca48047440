"""moto's server, made right where it differs from what AWS documents for RDS; a program, started by its path.

- Every instance has a resource id of its own, and only a read replica names the instance that it replicates.
- A restore has AWS' defaults for all that it is not given: groups, one zone, no monitoring, no IAM logins.
- Automated backups have a window, which ends five minutes ago; a time outside of it is refused.
- Default option groups exist. Quotas and orderable classes are told.

It writes down each call, and fails where it is told to.
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBInstanceAutomatedBackup, RDSBackend
from moto.rds.responses import RDSResponse
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.aws.bound import bind

BOUND = "bound.json"
"""Beside the record: real servers by the names of instances."""

BEHIND = timedelta(minutes=5)
"""How far the latest restorable time is behind, by AWS' documentation."""
_DEFAULTS = {
    "multi_az": False,
    "monitoring_interval": 0,
    "monitoring_role_arn": None,
    "enable_iam_database_authentication": False,
    "enabled_cloudwatch_logs_exports": [],
    "db_parameter_group_name": None,
    "ca_certificate_identifier": "rds-ca-rsa2048-g1",
    "deletion_protection": False,
    "copy_tags_to_snapshot": False,
    "tags": [],
}
_GIVEN_AS = {"enabled_cloudwatch_logs_exports": "enable_cloudwatch_logs_exports"}


def mend() -> None:
    """Put ours in place of moto's."""
    DBInstance.dbi_resource_id = property(_resource_id, lambda self, value: None)  # type: ignore[assignment]
    DBInstance.read_replica_source_db_instance_identifier = property(_replicated)  # type: ignore[assignment]
    DBInstance.latest_restorable_time = property(_latest)  # type: ignore[assignment]
    _restores_with_defaults()
    _knows_default_option_groups()
    RDSBackend.describe_db_instance_automated_backups = _automated_backups  # type: ignore[method-assign]
    RDSResponse.describe_orderable_db_instance_options = _orderable  # type: ignore[method-assign]
    RDSResponse.describe_account_attributes = _quotas  # type: ignore[attr-defined]


def _resource_id(self: Any) -> str:
    return str(self.__dict__.setdefault("_own_resource_id", f"db-{uuid.uuid4().hex[:26].upper()}"))


def _replicated(self: Any) -> str | None:
    return self.source_db_instance_identifier if self.is_replica else None


def _latest(self: Any) -> datetime | None:
    return utcnow() - BEHIND if self.backup_retention_period else None


def _earliest(database: Any) -> datetime:
    """As of an instance that has run for long."""
    return utcnow() - timedelta(days=int(database.backup_retention_period))


def _restores_with_defaults() -> None:
    replicate = RDSBackend.create_db_instance_read_replica
    by_snapshot = RDSBackend.restore_db_instance_from_db_snapshot
    to_time = RDSBackend.restore_db_instance_to_point_in_time

    def from_db_snapshot(self: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        return _defaulted(by_snapshot(self, from_snapshot_id, overrides), overrides)

    def to_point_in_time(self: Any, source: str, target: str, overrides: dict[str, Any]) -> Any:
        [database] = self.describe_db_instances(db_instance_identifier=source)
        _require_window(database, overrides.get("restore_time"))
        return _defaulted(to_time(self, source, target, overrides), overrides)

    def read_replica(self: Any, db_kwargs: dict[str, Any]) -> Any:
        made = replicate(self, db_kwargs)
        made.__dict__.pop("_own_resource_id", None)
        return made

    RDSBackend.create_db_instance_read_replica = read_replica  # type: ignore[method-assign]
    RDSBackend.restore_db_instance_from_db_snapshot = from_db_snapshot  # type: ignore[method-assign]
    RDSBackend.restore_db_instance_to_point_in_time = to_point_in_time  # type: ignore[method-assign]


def _knows_default_option_groups() -> None:
    create = RDSBackend.create_db_instance

    def create_db_instance(self: Any, db_kwargs: dict[str, Any]) -> Any:
        named = str(db_kwargs.get("option_group_name", ""))
        kept = {name: value for name, value in db_kwargs.items() if name != "option_group_name"}
        return create(self, kept if named.startswith("default:") else db_kwargs)

    RDSBackend.create_db_instance = create_db_instance  # type: ignore[method-assign]


def _defaulted(made: Any, given: dict[str, Any]) -> Any:
    for name, value in _DEFAULTS.items():
        if not given.get(_GIVEN_AS.get(name, name)):  # moto passes over a False that is given
            setattr(made, name, value)
    if not given.get("vpc_security_group_ids"):
        backend = ec2_backends[made.account_id][made.region]
        made.vpc_security_group_ids = [backend.get_default_security_group(backend.default_vpc.id).id]
    made.__dict__.pop("_own_resource_id", None)
    made.manage_master_user_password = False
    made.is_replica, made.source_db_instance_identifier = False, None
    return made


def _require_window(database: Any, time: Any) -> None:
    if not database.backup_retention_period:
        raise RDSClientError("PointInTimeRestoreNotEnabled", "Automated backups are disabled.")
    if time is None:
        return
    wanted = (datetime.fromisoformat(time) if isinstance(time, str) else time).replace(tzinfo=None)
    if not _earliest(database).replace(tzinfo=None) <= wanted <= _latest(database).replace(tzinfo=None):  # type: ignore[union-attr]
        raise RDSClientError("InvalidParameterValue", f"{time} is not in the restorable window.")


def _automated_backups(
    self: Any, db_instance_identifier: str | None = None, **_: Any
) -> list[DBInstanceAutomatedBackup]:
    found = []
    for name, database in self.databases.items():
        if db_instance_identifier in (None, name) and database.backup_retention_period:
            backup = DBInstanceAutomatedBackup(self, name, [])
            backup.restore_window = {  # type: ignore[attr-defined]
                "EarliestTime": _earliest(database),
                "LatestTime": _latest(database),
            }
            found.append(backup)
    return found


def _orderable(self: Any) -> ActionResult:
    asked = self.params
    family, size = asked["DBInstanceClass"].split(".")[1:]
    offered = family in ("t3", "r6g") and size in ("micro", "large", "xlarge")
    options = {name: asked[name] for name in ("Engine", "EngineVersion", "DBInstanceClass")}
    return ActionResult({"OrderableDBInstanceOptions": [options] if offered else []})


def _quotas(self: Any) -> ActionResult:
    databases = self.backend.databases.values()
    storage = sum(int(one.allocated_storage) for one in databases)
    used = {"DBInstances": (len(databases), 40), "AllocatedStorage": (storage, 100_000)}
    quotas = [{"AccountQuotaName": name, "Used": one, "Max": top} for name, (one, top) in used.items()]
    return ActionResult({"AccountQuotas": quotas})


class Recorder:
    """In front of moto: each call becomes a line, and some fail on demand."""

    def __init__(self, application: Any, record: Path) -> None:
        self._application, self._record = application, record
        self._lock = threading.Lock()
        self._faults: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if environ["PATH_INFO"] == "/tests/faults":
            self._faults.append(json.loads(body))
            start("204 No Content", [])
            return []
        action, parameters = _read(environ, body)
        with self._lock, self._record.open("a") as record:
            key = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition("/")[0]
            record.write(json.dumps({"action": action, "parameters": parameters, "key": key}) + "\n")
        fault = self._fault(action)
        return self._application(environ, start) if fault is None else _fail(fault, start)

    def _fault(self, action: str) -> dict[str, Any] | None:
        with self._lock:
            for fault in self._faults:
                if fault["action"] in (action, "*") and fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None


def _read(environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, str]]:
    """The action and its parameters, of the query protocol and of JSON; of REST the method and the path."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2], {name: str(value) for name, value in json.loads(body).items()}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        parameters = dict(parse_qsl(body.decode()))
        if "Action" in parameters:
            return parameters.pop("Action"), parameters
    verb = "Get" if environ["REQUEST_METHOD"] in ("GET", "HEAD") else environ["REQUEST_METHOD"].title()
    return f"{verb} {environ['PATH_INFO']}", {}


def _fail(fault: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    code = fault["code"]
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{code} on demand</Message>"
        "</Error><RequestId>0</RequestId></ErrorResponse>"
    )
    start(f"{fault['status']} Fault", [("Content-Type", "text/xml")])
    return [text.encode()]


def main(port: str, record: str) -> None:
    """Serve on loopback until ended."""
    mend()
    bind(Path(record).with_name(BOUND))
    application = Recorder(DomainDispatcherApplication(create_backend_app), Path(record))
    make_server("127.0.0.1", int(port), application, threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
