"""Lets Pulumi's SDK and Google's libraries live in one process; imported before either of them.

Both bring a ``google/rpc/status.proto`` of their own, and protobuf refuses the second definition of one
name. The messages are the same, so Pulumi gets Google's where that is installed (with the extra ``gcs``).
"""

from __future__ import annotations

import contextlib
import sys

with contextlib.suppress(ImportError):
    from google.rpc import status_pb2

    sys.modules.setdefault("pulumi.runtime.proto.status_pb2", status_pb2)
