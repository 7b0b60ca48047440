"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.kubernetes.autoscaler import Autoscaler
from dbrestore.kubernetes.external_secret import ExternalSecret
from dbrestore.kubernetes.job import Job
from dbrestore.kubernetes.keys import ConfigMapKey, SecretKey
from dbrestore.kubernetes.scale import Scale
from dbrestore.kubernetes.scaled_object import ScaledObject
from dbrestore.kubernetes.schedule import Schedule

HANDLERS = (Autoscaler, ConfigMapKey, ExternalSecret, Job, Scale, ScaledObject, Schedule, SecretKey)
