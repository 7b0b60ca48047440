"""One resource in one call of the engine, as the Terraform provider plans and applies it."""

import base64
import json
import re

from google.protobuf import struct_pb2
from pulumi_mapping import to_struct_ready
from terraform_plugin import TerraformError
from terraform_values import complete, decode, encode, propose

META = "__meta"
"""The hidden property that keeps the provider's private bytes."""


def struct(value):
    """Plain values as a protobuf Struct."""
    out = struct_pb2.Struct()
    out.update(to_struct_ready(value))
    return out


def ignored(path, patterns):
    """Whether an ignoreChanges pattern names a property path or one of its parents."""
    split = lambda text: [p for p in re.split(r"[.\[\]\"']+", text) if p]  # noqa: E731
    parts = split(path)
    return any(
        all(a in ("*", b) for a, b in zip(want, parts, strict=False)) and len(want) <= len(parts)
        for want in map(split, patterns)
    )


class Resource:
    """One resource in one call: its mapping, former state and the calls to the Terraform provider."""

    def __init__(self, terraform, mapping, id_=None, olds=None):
        self.terraform, self.mapping, self.type = terraform, mapping, mapping.type
        meta = json.loads((olds or {}).get(META) or "{}")
        self.private = base64.b64decode(meta.get("private", ""))
        self.prior = complete(mapping.to_terraform(olds, id_), self.type) if olds else None

    def wire(self, value):
        return {"msgpack": encode(value, self.type)}

    def config(self, news, timeouts=None):
        """The configuration block of Pulumi inputs."""
        config = complete(self.mapping.to_terraform(news), self.type)
        wanted = {
            k: f"{int(v)}s"
            for k, v in (timeouts or {}).items()
            if v and self.mapping.has_timeouts and k in self.type.attributes["timeouts"].type.attributes
        }
        if wanted:
            config["timeouts"] = complete(wanted, self.type.attributes["timeouts"].type)
        return config

    def plan(self, config):
        """Plan a configuration (None to destroy): the planned state and the provider's answer."""
        answer = self.terraform.call(
            "PlanResourceChange",
            type_name=self.mapping.tf_type,
            prior_state=self.wire(self.prior),
            proposed_new_state=self.wire(propose(self.prior, config, self.type)),
            config=self.wire(config),
            prior_private=self.private,
        )
        return decode(answer.planned_state), answer

    def apply(self, config):
        """Plan and apply; returns (state, private), also as attributes of a TerraformError."""
        planned, answer = self.plan(config)
        try:
            done = self.terraform.call(
                "ApplyResourceChange",
                type_name=self.mapping.tf_type,
                prior_state=self.wire(self.prior),
                planned_state=self.wire(planned),
                config=self.wire(config),
                planned_private=answer.planned_private,
            )
        except TerraformError as error:
            error.state, error.private = decode(error.response.new_state), error.response.private
            raise
        return decode(done.new_state), done.private

    def outputs(self, state, private=b""):
        """A Terraform state as Pulumi outputs, with the provider's private bytes in a hidden property."""
        out = self.mapping.to_pulumi(state)
        if private:
            meta = {
                "private": base64.b64encode(private).decode(),
                "schema_version": str(self.mapping.version),
            }
            out[META] = json.dumps(meta)
        return out
