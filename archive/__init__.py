"""What lies in a folder of base backups and in a WAL archive, and what can be restored from it.

Reads only: nothing here writes into a backup, an archive or a source. Knows neither Pulumi nor Click.
Start reading at ``proof.prove``.
"""
