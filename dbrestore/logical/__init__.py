"""Dumps of pg_dump, loaded into an empty database."""
