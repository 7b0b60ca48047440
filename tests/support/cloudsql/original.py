"""An original in Cloud SQL as its API describes one, with backups, a window and a read replica."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from tests.support.cloudsql.admin import PROJECT, Admin
from tests.unit.stacks.examples import good

SOURCE = {
    "provider": "gcp-cloudsql",
    "project": PROJECT,
    "instance": "starforge-prod",
    "database": "starforge",
}
KEY = "projects/starforge/locations/europe-west3/keyRings/sql/cryptoKeys/sql"
NETWORK = "projects/starforge/global/networks/prod"
URL = "postgresql://app:hunter2@10.9.0.5:5432/starforge"
NOW = datetime(2025, 12, 3, 15, 0, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "kind": "sql#settings",
    "settingsVersion": "41",
    "tier": "db-custom-4-15360",
    "edition": "ENTERPRISE",
    "activationPolicy": "ALWAYS",
    "availabilityType": "REGIONAL",
    "pricingPlan": "PER_USE",
    "dataDiskType": "PD_SSD",
    "dataDiskSizeGb": "500",
    "storageAutoResize": True,
    "storageAutoResizeLimit": "1000",
    "connectorEnforcement": "NOT_REQUIRED",
    "deletionProtectionEnabled": True,
    "retainBackupsOnDelete": True,
    "enableGoogleMlIntegration": False,
    "enableDataplexIntegration": True,
    "userLabels": {"team": "forge"},
    "databaseFlags": [
        {"name": "max_connections", "value": "400"},
        {"name": "cloudsql.iam_authentication", "value": "on"},
    ],
    "locationPreference": {
        "kind": "sql#locationPreference",
        "zone": "europe-west3-a",
        "secondaryZone": "europe-west3-b",
    },
    "maintenanceWindow": {"kind": "sql#maintenanceWindow", "day": 7, "hour": 4, "updateTrack": "stable"},
    "denyMaintenancePeriods": [{"startDate": "11-20", "endDate": "12-31", "time": "00:00:00"}],
    "backupConfiguration": {
        "kind": "sql#backupConfiguration",
        "enabled": True,
        "startTime": "03:00",
        "location": "eu",
        "pointInTimeRecoveryEnabled": True,
        "transactionLogRetentionDays": 7,
        "transactionalLogStorageState": "CLOUD_STORAGE",
        "backupTier": "STANDARD",
        "backupRetentionSettings": {"retentionUnit": "COUNT", "retainedBackups": 15},
    },
    "insightsConfig": {"queryInsightsEnabled": True, "queryStringLength": 4500, "recordClientAddress": True},
    "passwordValidationPolicy": {"enablePasswordPolicy": True, "minLength": 16},
    "ipConfiguration": {
        "ipv4Enabled": True,
        "privateNetwork": NETWORK,
        "allocatedIpRange": "sql-range",
        "sslMode": "ENCRYPTED_ONLY",
        "requireSsl": True,
        "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
        "enablePrivatePathForGoogleCloudServices": True,
        "authorizedNetworks": [{"kind": "sql#aclEntry", "value": "198.51.100.0/24", "name": "office"}],
    },
}
ORIGINAL: dict[str, Any] = {
    "kind": "sql#instance",
    "name": "starforge-prod",
    "project": PROJECT,
    "state": "RUNNABLE",
    "region": "europe-west3",
    "databaseVersion": "POSTGRES_15",
    "instanceType": "CLOUD_SQL_INSTANCE",
    "connectionName": f"{PROJECT}:europe-west3:starforge-prod",
    "diskEncryptionConfiguration": {"kmsKeyName": KEY},
    "replicaNames": ["starforge-read"],
    "ipAddresses": [
        {"type": "PRIMARY", "ipAddress": "203.0.113.5"},
        {"type": "PRIVATE", "ipAddress": "10.9.0.5"},
    ],
    "settings": SETTINGS,
}
REPLICA: dict[str, Any] = {
    "name": "starforge-read",
    "instanceType": "READ_REPLICA_INSTANCE",
    "masterInstanceName": f"{PROJECT}:starforge-prod",
    "replicaNames": [],
    "ipAddresses": [{"type": "PRIVATE", "ipAddress": "10.9.0.6"}],
}
BACKUP: dict[str, Any] = {
    "kind": "sql#backupRun",
    "id": "1764558000000",
    "instance": "starforge-prod",
    "status": "SUCCESSFUL",
    "type": "ON_DEMAND",
    "backupKind": "SNAPSHOT",
    "databaseVersion": "POSTGRES_15",
    "description": "before the migration",
    "startTime": "2025-12-01T03:00:00.123Z",
    "endTime": "2025-12-01T03:04:00.456Z",
    "maxChargeableBytes": str(2**30),
}
WINDOW = ("2025-11-26T03:00:00.000Z", "2025-12-03T14:57:00.000Z")


def project(**changes: Any) -> Admin:
    """A project with the original, one backup of it, a window and a replica; ``changes`` to its settings."""
    original = deepcopy(ORIGINAL)
    original["settings"] |= changes
    replica = deepcopy(ORIGINAL) | deepcopy(REPLICA)
    return Admin(
        now=NOW,
        instances={"starforge-prod": original, "starforge-read": replica},
        contents={"starforge-prod": "damaged", "starforge-read": "damaged"},
        backups={"starforge-prod": [dict(BACKUP)]},
        windows={"starforge-prod": WINDOW},
    )


def cloudsql_config(restores: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A right config of a stack in Cloud SQL."""
    asked = {"r": {"from": {"snapshot": BACKUP["id"]}}} if restores is None else restores
    return good(**{"source": SOURCE, "source_url": URL, "restores": asked} | changes)
