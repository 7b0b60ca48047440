"""Read replicas in Amazon RDS."""
