"""An original in RDS as its API describes one, and a stand-in for the door to that API."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from problem import Problem
from tests.unit.stacks.examples import good

SOURCE = {
    "provider": "aws-rds",
    "instance": "starforge-prod",
    "database": "starforge",
    "region": "eu-central-1",
}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0f"
ORIGINAL: dict[str, Any] = {
    "DBInstanceIdentifier": "starforge-prod",
    "DBInstanceClass": "db.r6g.xlarge",
    "Engine": "postgres",
    "EngineVersion": "15.8",
    "DBInstanceStatus": "available",
    "MasterUsername": "master",
    "Endpoint": {"Address": "starforge-prod.example.eu-central-1.rds.amazonaws.com", "Port": 5433},
    "AllocatedStorage": 500,
    "MaxAllocatedStorage": 1000,
    "DBSubnetGroup": {"DBSubnetGroupName": "private", "VpcId": "vpc-1"},
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-app", "Status": "active"}],
    "DBParameterGroups": [{"DBParameterGroupName": "starforge-15"}],
    "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-15"}],
    "MultiAZ": True,
    "StorageType": "gp3",
    "Iops": 12000,
    "StorageThroughput": 500,
    "StorageEncrypted": True,
    "KmsKeyId": KEY,
    "IAMDatabaseAuthenticationEnabled": True,
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "MonitoringInterval": 30,
    "MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring",
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsKMSKeyId": KEY,
    "PerformanceInsightsRetentionPeriod": 7,
    "DatabaseInsightsMode": "standard",
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-03:30",
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "LatestRestorableTime": datetime(2025, 12, 3, 15, 0, tzinfo=UTC),
    "AutoMinorVersionUpgrade": False,
    "CopyTagsToSnapshot": True,
    "PubliclyAccessible": False,
    "NetworkType": "IPV4",
    "DedicatedLogVolume": False,
    "LicenseModel": "postgresql-license",
    "ReadReplicaDBInstanceIdentifiers": ["starforge-read"],
    "TagList": [{"Key": "team", "Value": "forge"}, {"Key": "aws:cloudformation:stack-name", "Value": "x"}],
}
SNAPSHOT = {
    "DBSnapshotIdentifier": "before-migration",
    "DBSnapshotArn": "arn:aws:rds:eu-central-1:123456789012:snapshot:before-migration",
    "DBInstanceIdentifier": "starforge-prod",
    "SnapshotType": "manual",
    "Status": "available",
    "Engine": "postgres",
    "EngineVersion": "15.8",
    "AllocatedStorage": 500,
    "Encrypted": True,
    "KmsKeyId": "arn:aws:kms:eu-central-1:123456789012:key/of-the-snapshot",
    "SnapshotCreateTime": datetime(2025, 12, 1, 3, 0, tzinfo=UTC),
}
BACKUP = {
    "DBInstanceIdentifier": "starforge-prod",
    "RestoreWindow": {
        "EarliestTime": datetime(2025, 11, 26, 3, 0, tzinfo=UTC),
        "LatestTime": datetime(2025, 12, 3, 15, 0, tzinfo=UTC),
    },
}


class StandIn:
    """Answers what ``Rds`` would, from records; has no method that changes anything, as ``Rds`` has none."""

    region = "eu-central-1"

    def __init__(self, **changes: Any) -> None:
        self.records = {"starforge-prod": deepcopy(ORIGINAL) | changes}
        self.snapshots_known: dict[str, Any] = {"before-migration": dict(SNAPSHOT)}
        self.backups: list[dict[str, Any]] = [BACKUP]
        self.quota: Any = {"DBInstances": (3, 40), "AllocatedStorage": (1500, 100000)}
        self.libraries: Any = {"pg_stat_statements"}
        self.offered = {"db.r6g.2xlarge", "db.r6g.xlarge", "db.r6g.large"}

    def instance(self, name: str) -> dict[str, Any]:
        if name not in self.records:
            raise Problem("rds-instance-missing", f"no {name}")
        return self.records[name]

    def instance_if_any(self, name: str) -> dict[str, Any] | None:
        return self.records.get(name)

    def snapshot(self, name: str) -> dict[str, Any]:
        if name not in self.snapshots_known:
            raise Problem("rds-snapshot-missing", f"no {name}")
        return dict(self.snapshots_known[name])

    def automated_backups(self, _instance: str) -> list[dict[str, Any]]:
        return self.backups

    def quotas(self) -> Any:
        if isinstance(self.quota, Problem):
            raise self.quota
        return self.quota

    def preloaded(self, _group: str) -> set[str]:
        if isinstance(self.libraries, Problem):
            raise self.libraries
        return set(self.libraries)

    def orderable(self, instance_class: str, _version: str) -> bool:
        return instance_class in self.offered


def rds_config(restores: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A right config of a stack in RDS."""
    found = {"snapshot": "before-migration"} if restores is None else None
    return good(source=SOURCE, restores={"r": {"from": found}} if found else restores, **changes)
