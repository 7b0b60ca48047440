"""The kinds of this room."""

from dbrestore.postgres.instance import Instance

HANDLERS = (Instance,)
