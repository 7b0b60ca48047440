"""The right moment to restore to: read from WAL, or narrowed down by a question to throw-away restores.

Reads backups and archive only; the original is not asked. Start reading at ``hunt.Hunt``.
"""
