"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.aws.events import EventSources
from dbrestore.aws.parameter import Parameter
from dbrestore.aws.record import Record
from dbrestore.aws.secret import Secret
from dbrestore.aws.service import Service

HANDLERS = (EventSources, Parameter, Record, Secret, Service)
