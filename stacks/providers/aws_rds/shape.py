"""What a restored instance is given explicitly, because RDS would otherwise choose its defaults.

Names on the left are those of ``pulumi_aws.rds.Instance``, on the right those of the RDS API
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html).
"""

from __future__ import annotations

from typing import Any

_SAME = {
    "instance_class": "DBInstanceClass",
    "multi_az": "MultiAZ",
    "storage_type": "StorageType",
    "max_allocated_storage": "MaxAllocatedStorage",
    "storage_encrypted": "StorageEncrypted",
    "kms_key_id": "KmsKeyId",
    "iam_database_authentication_enabled": "IAMDatabaseAuthenticationEnabled",
    "ca_cert_identifier": "CACertificateIdentifier",
    "enabled_cloudwatch_logs_exports": "EnabledCloudwatchLogsExports",
    "monitoring_interval": "MonitoringInterval",
    "monitoring_role_arn": "MonitoringRoleArn",
    "performance_insights_enabled": "PerformanceInsightsEnabled",
    "performance_insights_kms_key_id": "PerformanceInsightsKMSKeyId",
    "performance_insights_retention_period": "PerformanceInsightsRetentionPeriod",
    "database_insights_mode": "DatabaseInsightsMode",
    "backup_retention_period": "BackupRetentionPeriod",
    "backup_window": "PreferredBackupWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
    "publicly_accessible": "PubliclyAccessible",
    "network_type": "NetworkType",
    "dedicated_log_volume": "DedicatedLogVolume",
    "license_model": "LicenseModel",
}
OWN_SPEED_FROM = 400
"""GiB from which gp3 takes IOPS and throughput of one's own with PostgreSQL; below, naming them is refused.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
"""


def shape(source: dict[str, Any]) -> dict[str, Any]:
    """The settings of an instance that are copied, as arguments of a new one."""
    copied = {name: source[theirs] for name, theirs in _SAME.items() if source.get(theirs) is not None}
    copied |= {
        "port": port(source),
        "db_subnet_group_name": source["DBSubnetGroup"]["DBSubnetGroupName"],
        "parameter_group_name": source["DBParameterGroups"][0]["DBParameterGroupName"],
        "option_group_name": source["OptionGroupMemberships"][0]["OptionGroupName"],
        **_speed(source),
    }
    # An empty text is what a module of somebody's wrote for nothing; RDS takes it for a name.
    return {name: value for name, value in copied.items() if value not in ("", [])}


def port(source: dict[str, Any]) -> int:
    """The port that it listens on."""
    return int(source["Endpoint"]["Port"])


def security_groups(source: dict[str, Any]) -> list[str]:
    """The VPC security groups that say who reaches it."""
    return [one["VpcSecurityGroupId"] for one in source["VpcSecurityGroups"]]


def tags(source: dict[str, Any]) -> dict[str, str]:
    """Its tags but for those that AWS keeps for itself and none may set."""
    return {
        one["Key"]: one["Value"] for one in source.get("TagList", []) if not one["Key"].startswith("aws:")
    }


def _speed(source: dict[str, Any]) -> dict[str, int]:
    """IOPS and throughput, where naming them is allowed."""
    kind, size = source.get("StorageType", ""), source.get("AllocatedStorage", 0)
    if kind == "gp3" and size < OWN_SPEED_FROM:
        return {}
    named = {"iops": source.get("Iops"), "storage_throughput": source.get("StorageThroughput")}
    return {name: value for name, value in named.items() if value}
