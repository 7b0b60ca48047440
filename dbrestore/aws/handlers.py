"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.aws.parameter import Parameter
from dbrestore.aws.record import Record
from dbrestore.aws.secret import Secret

HANDLERS = (Parameter, Record, Secret)
