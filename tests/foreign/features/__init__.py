"""What foreign clusters have in them, one file each.

A feature has ``before(server)``, run before the base backup, so that the backup carries it; and
``after(server)``, run between backup and target, so that replay has to bring it about.
"""
