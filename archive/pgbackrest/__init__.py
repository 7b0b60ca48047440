"""A pgBackRest repository, read through pgbackrest itself: it knows of ciphers, bundles, hosts and clouds."""
