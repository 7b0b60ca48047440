"""What must hold in a restored database, on any PostgreSQL by URL.

Kept empty on purpose: the command line imports this package lazily, and ``--help`` must not pay for psycopg.
"""
