"""Gets a Pulumi engine and PostgreSQL's programs onto this machine."""
