"""The kinds of this room."""

from dbrestore.loading.dump import Dump
from dbrestore.loading.load import Load
from dbrestore.loading.password import Password

HANDLERS = (Dump, Load, Password)
