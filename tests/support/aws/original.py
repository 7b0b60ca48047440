"""An original in moto whose every setting differs from what RDS would choose for a restore."""

from __future__ import annotations

from typing import Any

from tests.support.aws.cloud import Cloud

KEY = "arn:aws:kms:us-east-1:123456789012:key/0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"


def prepare(aws: Cloud) -> None:
    """The instance ``prod``, with all that stands around it, and its snapshots ``monday`` and ``tuesday``."""
    rds = aws.client("rds")
    common = _surroundings(aws)
    rds.create_db_instance(
        DBInstanceIdentifier="prod",
        DBInstanceClass="db.t3.large",
        Engine="postgres",
        EngineVersion="15.8",
        AllocatedStorage=20,
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=KEY,
        MultiAZ=True,
        Port=5433,
        MasterUsername="master",
        MasterUserPassword="correct-horse",
        BackupRetentionPeriod=7,
        EnableIAMDatabaseAuthentication=True,
        CopyTagsToSnapshot=True,
        CACertificateIdentifier="rds-ca-rsa4096-g1",
        Tags=[{"Key": "team", "Value": "forge"}],
        **common,
    )
    for day in ("monday", "tuesday"):
        rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier=day)


def _surroundings(aws: Cloud) -> dict[str, Any]:
    """A network of two subnets, the application's security group, and a parameter group."""
    ec2, rds = aws.client("ec2"), aws.client("rds")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="app", Description="the application", VpcId=vpc)["GroupId"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="private", DBSubnetGroupDescription="ours", SubnetIds=subnets
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="starforge-15", DBParameterGroupFamily="postgres15", Description="ours"
    )
    names = {"DBSubnetGroupName": "private", "DBParameterGroupName": "starforge-15"}
    return {**names, "VpcSecurityGroupIds": [group]}


def described(aws: Cloud, name: str) -> Any:
    """An instance as the API tells of it."""
    return aws.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def groups(instance: Any) -> list[str]:
    """The security groups of a described instance."""
    return [one["VpcSecurityGroupId"] for one in instance["VpcSecurityGroups"]]


def entrances(aws: Cloud, group: str) -> list[tuple[str, int]]:
    """Who enters by a security group, and on which port."""
    found = aws.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    rules = [one for one in found["SecurityGroupRules"] if not one["IsEgress"]]
    return [(one["CidrIpv4"], one["ToPort"]) for one in rules]
