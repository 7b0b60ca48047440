"""The resources of our own provider plugin ``dbrestore``, as a program declares them."""

from __future__ import annotations

from typing import Any, ClassVar

import pulumi


class _Resource(pulumi.CustomResource):
    resource_type: ClassVar[str]
    learnt: ClassVar[tuple[str, ...]] = ()
    """Outputs that are not inputs."""
    secrets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, properties: dict[str, Any], options: pulumi.ResourceOptions) -> None:
        outputs = dict.fromkeys(self.learnt)
        hidden = pulumi.ResourceOptions(additional_secret_outputs=list(self.secrets))
        super().__init__(
            self.resource_type, name, {**outputs, **properties}, pulumi.ResourceOptions.merge(options, hidden)
        )


class KubernetesWriter(_Resource):
    """Something in a cluster that writes, and how much of it may."""

    learnt = ("original", "present")


class KubernetesAutoscaler(KubernetesWriter):
    """An HPA's limits, and the replicas of what it scales."""

    resource_type = "dbrestore:kubernetes:Autoscaler"


class KubernetesKey(_Resource):
    """A key's value, and the pods that read it started anew."""

    learnt = ("readers",)
    secrets = ("value", "held", "original", "previous")


class KubernetesConfigMapKey(KubernetesKey):
    """A key of a ConfigMap."""

    resource_type = "dbrestore:kubernetes:ConfigMapKey"


class KubernetesExternalSecret(KubernetesKey):
    """A key of a Secret that an operator copies from a cloud."""

    resource_type = "dbrestore:kubernetes:ExternalSecret"


class KubernetesJob(KubernetesWriter):
    """A Job that may be at work."""

    resource_type = "dbrestore:kubernetes:Job"


class KubernetesScale(KubernetesWriter):
    """How many replicas of a workload run."""

    resource_type = "dbrestore:kubernetes:Scale"


class KubernetesScaledObject(KubernetesWriter):
    """How many replicas KEDA is held at."""

    resource_type = "dbrestore:kubernetes:ScaledObject"


class KubernetesSchedule(KubernetesWriter):
    """Whether a CronJob starts jobs."""

    resource_type = "dbrestore:kubernetes:Schedule"


class KubernetesSecretKey(KubernetesKey):
    """A key of a Secret."""

    resource_type = "dbrestore:kubernetes:SecretKey"


class LoadingDump(_Resource):
    """A dump that is looked at before an instance is made for it."""

    resource_type = "dbrestore:loading:Dump"
    learnt = ("dumpOf", "dumpFormat", "bytes")


class LoadingLoad(_Resource):
    """A dump in the database of an instance that was made for it."""

    resource_type = "dbrestore:loading:Load"
    learnt = ("status", "loadedRows", "loadedTables", "lost", "left")
    secrets = ("url", "password")

    @property
    def status(self) -> pulumi.Output[str]:
        """Known once it is loaded."""
        status: pulumi.Output[str] = pulumi.get(self, "status")
        return status


class LoadingPassword(_Resource):
    """An administrator's password for the time of a load."""

    resource_type = "dbrestore:loading:Password"
    learnt = ("password",)
    secrets = ("password",)

    @property
    def password(self) -> pulumi.Output[str]:
        """It; a secret."""
        password: pulumi.Output[str] = pulumi.get(self, "password")
        return password


class PostgresInstance(_Resource):
    """A restored PostgreSQL instance."""

    resource_type = "dbrestore:postgres:Instance"
    learnt = ("host", "boundPort", "status", "reachedTime", "reachedLsn")
    secrets = ("password",)

    @property
    def port(self) -> pulumi.Output[int]:
        """The port that it listens on, whether one was asked for or chosen."""
        bound: pulumi.Output[int] = pulumi.get(self, "boundPort")
        return bound


class ReplicaPromotion(_Resource):
    """A standby of the original that is promoted at the cut-over."""

    resource_type = "dbrestore:replica:Promotion"
    learnt = ("host", "boundPort", "systemIdentifier", "inRecovery", "timeline")
    secrets = ("url", "sourceUrl", "adminUrl", "others")


class Promotion(_Resource):
    """A read replica of the original that is promoted at the cut-over."""

    learnt = ("host", "boundPort", "promoted")

    @property
    def host(self) -> pulumi.Output[str]:
        """Its address, before its promotion and after."""
        host: pulumi.Output[str] = pulumi.get(self, "host")
        return host

    @property
    def port(self) -> pulumi.Output[int]:
        """The port that it listens on."""
        bound: pulumi.Output[int] = pulumi.get(self, "boundPort")
        return bound


class CloudSqlPromotion(Promotion):
    """One in Cloud SQL."""

    resource_type = "dbrestore:cloudsql:Promotion"


class RdsPromotion(Promotion):
    """One in RDS."""

    resource_type = "dbrestore:rds:Promotion"


class PgbouncerRoute(_Resource):
    """Where a pgbouncer sends the clients of a database."""

    resource_type = "dbrestore:pgbouncer:Route"


class SupabaseProject(_Resource):
    """A new project of Supabase, or one that is adopted."""

    resource_type = "dbrestore:supabase:Project"
    learnt = ("ref", "status", "session", "transaction", "direct")
    secrets = ("password",)

    @property
    def session(self) -> pulumi.Output[dict[str, Any]]:
        """host, port and suffix of roles at the pooler's session mode."""
        return self._place("session")

    @property
    def transaction(self) -> pulumi.Output[dict[str, Any]]:
        """The same of its transaction mode."""
        return self._place("transaction")

    @property
    def direct(self) -> pulumi.Output[dict[str, Any]]:
        """The same past the pooler; over IPv6 alone, unless the project has the IPv4 add-on."""
        return self._place("direct")

    def _place(self, connection: str) -> pulumi.Output[dict[str, Any]]:
        found: pulumi.Output[dict[str, Any]] = pulumi.get(self, connection)
        return found


class SupervisorGroup(_Resource):
    """How many processes of a program group run."""

    resource_type = "dbrestore:supervisor:Group"


class EnvFileEntry(_Resource):
    """One line of a dotenv file."""

    resource_type = "dbrestore:envfile:Entry"
    secrets = ("value", "original", "previous")


class AwsSecret(_Resource):
    """The text of a secret in AWS Secrets Manager."""

    resource_type = "dbrestore:aws:Secret"
    secrets = ("value", "held", "original", "previous")


class AwsParameter(_Resource):
    """A parameter of the AWS Systems Manager."""

    resource_type = "dbrestore:aws:Parameter"
    secrets = ("value", "held", "original", "previous")


class AwsRecord(_Resource):
    """A record of a Route 53 zone."""

    resource_type = "dbrestore:aws:Record"
    learnt = ("original", "leadsTo")


class AwsService(_Resource):
    """How many tasks of an ECS service run."""

    resource_type = "dbrestore:aws:Service"
    learnt = ("original", "running")


class GcpSecret(_Resource):
    """The text of a secret in Google Secret Manager."""

    resource_type = "dbrestore:gcp:Secret"
    secrets = ("value", "held", "original", "previous")


class GcpRecord(_Resource):
    """A record of a Cloud DNS zone."""

    resource_type = "dbrestore:gcp:Record"
    learnt = ("original", "leadsTo")


class AwsEventSources(_Resource):
    """Which event sources of a Lambda function are on."""

    resource_type = "dbrestore:aws:EventSources"
    learnt = ("original", "running")
