"""pgbouncer's routes: which server the clients of a database reach, swapped without a failed query."""
