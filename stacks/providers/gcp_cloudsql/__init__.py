"""Google Cloud SQL. Only ``api.py`` knows Google's client, only ``restore.py`` knows pulumi."""
