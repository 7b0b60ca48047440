"""Where the files of a WAL archive lie: one file a kind of place; ``store.Store`` is what all can do."""
