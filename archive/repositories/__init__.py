"""Base backups with the WAL archive they need, as each tool keeps them: one file a tool, found by name."""
