"""Servers that somebody keeps for their users: nobody is superuser there, and some roles are the keeper's.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html and
https://cloud.google.com/sql/docs/postgres/users
"""

from __future__ import annotations

ROLES = {
    "rds": (
        "rds_ad", "rds_iam", "rds_password", "rds_replication", "rds_reserved", "rds_superuser", "rdsadmin",
        "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser",
    ),
    "cloudsql": (
        "cloudsqladmin", "cloudsqlagent", "cloudsqlconnpooladmin", "cloudsqliamgroup",
        "cloudsqliamserviceaccount", "cloudsqliamuser", "cloudsqlimportexport", "cloudsqlinactiveuser",
        "cloudsqlobservability", "cloudsqlreplica", "cloudsqlsuperuser",
    ),
}  # fmt: skip
"""What every new instance comes with."""
STRONG = ("rds_superuser", "cloudsqlsuperuser")
"""Members of these may make event triggers, which elsewhere takes a superuser."""
