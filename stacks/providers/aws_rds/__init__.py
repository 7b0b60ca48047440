"""Amazon RDS for PostgreSQL. Only ``api.py`` knows boto3, only ``restore.py`` knows pulumi."""
