"""What a restored instance is given explicitly, because Cloud SQL or its provider would choose by itself.

Names on the left are those of ``pulumi_gcp.sql.DatabaseInstance``'s settings, on the right those of the API
(https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1/instances#Settings). The provider sends a clone
its settings after it is made, whole: what is not named here would be taken off it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Record = dict[str, Any]
_SAME = {
    "tier": "tier",
    "edition": "edition",
    "availability_type": "availabilityType",
    "pricing_plan": "pricingPlan",
    "disk_type": "dataDiskType",
    "disk_autoresize": "storageAutoResize",
    "connector_enforcement": "connectorEnforcement",
    "data_api_access": "dataApiAccess",
    "retain_backups_on_delete": "retainBackupsOnDelete",
    "enable_google_ml_integration": "enableGoogleMlIntegration",
    "enable_dataplex_integration": "enableDataplexIntegration",
}
_NUMBERS = {
    "disk_size": "dataDiskSizeGb",
    "disk_autoresize_limit": "storageAutoResizeLimit",
    "data_disk_provisioned_iops": "dataDiskProvisionedIops",
    "data_disk_provisioned_throughput": "dataDiskProvisionedThroughput",
}
"""The API writes these as text."""
_BLOCKS = {
    "location_preference": ("locationPreference", ("zone", "secondaryZone")),
    "maintenance_window": ("maintenanceWindow", ("day", "hour", "updateTrack")),
    "data_cache_config": ("dataCacheConfig", ("dataCacheEnabled",)),
    "advanced_machine_features": ("advancedMachineFeatures", ("threadsPerCore",)),
    "insights_config": (
        "insightsConfig",
        (
            *("queryInsightsEnabled", "queryPlansPerMinute", "queryStringLength"),
            *("recordApplicationTags", "recordClientAddress", "enhancedQueryInsightsEnabled"),
        ),
    ),
    "password_validation_policy": (
        "passwordValidationPolicy",
        (
            *("enablePasswordPolicy", "complexity", "disallowUsernameSubstring"),
            *("minLength", "passwordChangeInterval", "reuseInterval"),
        ),
    ),
    "backup_configuration": (
        "backupConfiguration",
        (
            *("enabled", "startTime", "location", "pointInTimeRecoveryEnabled"),
            *("transactionLogRetentionDays", "backupTier"),
        ),
    ),
}
_RETENTION = ("retainedBackups", "retentionUnit")
NETWORK = (
    *("ipv4Enabled", "privateNetwork", "allocatedIpRange", "sslMode", "serverCaMode", "serverCaPool"),
    *("customSubjectAlternativeNames", "enablePrivatePathForGoogleCloudServices"),
)
"""Of the IP configuration; who is let in by public IP is the restore's own."""
SMALLEST, LARGEST = 10, 65536
"""GiB of a disk; https://cloud.google.com/sql/docs/quotas#storage_limits."""
CRON = "cloudsql.enable_pg_cron"


def settings(source: Record) -> Record:
    """The settings that are copied once, as arguments of a new instance."""
    theirs = source["settings"]
    copied = {name: theirs[one] for name, one in _SAME.items() if theirs.get(one) is not None}
    copied |= {name: int(theirs[one]) for name, one in _NUMBERS.items() if int(theirs.get(one) or 0)}
    copied |= {
        name: _part(theirs.get(one), parts) for name, (one, parts) in _BLOCKS.items() if theirs.get(one)
    }
    # A stopped original would give a stopped restore.
    copied |= {"activation_policy": "ALWAYS"}
    if kept := theirs.get("backupConfiguration", {}).get("backupRetentionSettings"):
        copied["backup_configuration"] |= {"backup_retention_settings": _part(kept, _RETENTION)}
    if quiet := theirs.get("denyMaintenancePeriods"):
        copied["deny_maintenance_period"] = _part(quiet[0], ("startDate", "endDate", "time"))
    return copied


def network(source: Record) -> Record:
    """The IP configuration without who is let in."""
    return _part(source["settings"].get("ipConfiguration"), NETWORK)


def let_in(source: Record) -> list[Record]:
    """The authorized networks."""
    found = source["settings"].get("ipConfiguration", {}).get("authorizedNetworks", [])
    return [_part(one, ("value", "name", "expirationTime")) for one in found]


def flags(source: Record) -> dict[str, str]:
    """The database flags by name."""
    return {one["name"]: one["value"] for one in source["settings"].get("databaseFlags", [])}


def labels(source: Record) -> dict[str, str]:
    """Its labels but for those that Google keeps for itself and none may set."""
    found = source["settings"].get("userLabels", {})
    return {name: value for name, value in found.items() if not name.startswith("goog-")}


def address(source: Record, kind: str) -> str | None:
    """Its PRIMARY (public) or PRIVATE address."""
    return next((one["ipAddress"] for one in source.get("ipAddresses", []) if one["type"] == kind), None)


def room(source: Record) -> int:
    """GiB that an instance like it may hold: its disk, or what that may grow to by itself."""
    theirs = source["settings"]
    if theirs.get("storageAutoResize"):
        return int(theirs.get("storageAutoResizeLimit") or 0) or LARGEST
    return int(theirs.get("dataDiskSizeGb") or SMALLEST)


def key(source: Record) -> str | None:
    """The key of the customer's own that its disk is encrypted with."""
    return (source.get("diskEncryptionConfiguration") or {}).get("kmsKeyName")


def copied_names() -> Sequence[str]:
    """All that ``settings`` may have, as the engine spells it."""
    names = [*_SAME, *_NUMBERS, *_BLOCKS, "activation_policy", "deny_maintenance_period"]
    return [re.sub(r"_(.)", lambda found: found[1].upper(), name) for name in names]


def _part(block: Record | None, names: Sequence[str]) -> Record:
    """The named members of a block of the API; an empty text or list is nothing."""
    found = {name: (block or {}).get(name) for name in names}
    return {_snake(name): value for name, value in found.items() if value not in (None, "", [])}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)
