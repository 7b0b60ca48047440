"""Read replicas in Google Cloud SQL."""
