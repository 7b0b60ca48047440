"""A Pulumi resource provider that serves pulumi_aws types with the Terraform AWS provider.

Started by the Pulumi engine through the `pulumi-resource-aws` launcher next to it.
"""

import importlib.metadata
import json
import random
import re
import threading

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from pulumi_mapping import Catalog, from_struct
from resources import Resource, ignored, struct
from terraform_plugin import TerraformError, TerraformProvider, describe, path_steps
from terraform_values import ADD, DELETE, UNKNOWN, UPDATE, complete, decode, differences, encode, equal

VERSION = importlib.metadata.version("pulumi_aws")
DEFAULTS = "__defaults"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The Pulumi side: every call is answered by planning, applying or reading with Terraform."""

    def __init__(self, engine_address=""):
        self.engine = (
            engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine_address)) if engine_address else None
        )
        self._lock, self._terraform, self._catalog = threading.Lock(), None, None

    @property
    def terraform(self):
        """The Terraform provider, started when first needed: the engine may only ask for our name."""
        with self._lock:
            if not self._terraform:
                self._terraform = TerraformProvider(self.warn)
                self._catalog = Catalog(self._terraform.call("GetSchema"))
        return self._terraform

    @property
    def catalog(self):
        """The mappings made from the Terraform provider's schema."""
        return self.terraform and self._catalog

    def stop(self):
        """End the Terraform provider, if it runs."""
        if self._terraform:
            self._terraform.stop()

    def warn(self, text):
        """Show a provider's warning in the engine's output."""
        if self.engine:
            self.engine.Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=text))

    def resource(self, urn, id_=None, olds=None):
        """The Resource a call is about."""
        token = urn.split("::")[2].split("$")[-1]
        return Resource(self.terraform, self.catalog.resource(token), id_, olds)

    # --- the provider itself ---

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=VERSION)

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse()

    def GetSchema(self, request, context):
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        changed = from_struct(request.olds) != from_struct(request.news)
        return provider_pb2.DiffResponse(changes=2 if changed else 1)

    def Configure(self, request, context):
        mapping = self.catalog.provider()
        values = from_struct(request.args)
        for _name, attribute in mapping.type.attributes.items():
            value = values.get(attribute.pulumi)
            if isinstance(value, str) and attribute.type.kind not in ("string", "number", "bool"):
                values[attribute.pulumi] = json.loads(value)
        values.setdefault("skipMetadataApiCheck", "true")
        wire = lambda value: {"msgpack": encode(value, mapping.type)}  # noqa: E731
        config = complete(mapping.to_terraform(values), mapping.type)
        ready = self.terraform.call("PrepareProviderConfig", config=wire(config)).prepared_config
        self.terraform.call("Configure", terraform_version="1.9.8", config=wire(decode(ready) or config))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request, context):
        mapping = self.catalog.data_source(request.tok)
        config = complete(mapping.to_terraform(from_struct(request.args)), mapping.type)
        if "id" in mapping.type.attributes:
            config["id"] = from_struct(request.args).get("id")
        answer = self.terraform.call(
            "ReadDataSource", type_name=mapping.tf_type, config={"msgpack": encode(config, mapping.type)}
        )
        return provider_pb2.InvokeResponse(**{"return": struct(mapping.to_pulumi(decode(answer.state)))})

    # --- resources ---

    def Check(self, request, context):
        mapping = self.resource(request.urn).mapping
        olds, news = from_struct(request.olds), from_struct(request.news)
        named = mapping.autoname
        if named and not {named, f"{named}Prefix"} & news.keys():
            kept = olds.get(named) if named in (olds.get(DEFAULTS) or []) else None
            digits = random.Random(request.randomSeed or None).choices("0123456789abcdef", k=7)  # noqa: S311 - a name, no secret
            news[named] = kept or request.urn.split("::")[-1] + mapping.separator + "".join(digits)
            news[DEFAULTS] = [named]
        for name, value in mapping.defaults.items():
            if name not in news:
                news[name] = value
                news[DEFAULTS] = [*(news.get(DEFAULTS) or []), name]
        resource, failures = Resource(self.terraform, mapping), []
        try:
            self.terraform.call(
                "ValidateResourceTypeConfig",
                type_name=mapping.tf_type,
                config=resource.wire(resource.config(news)),
                client_capabilities={"write_only_attributes_allowed": True},
            )
        except TerraformError as error:
            for diagnostic in error.diagnostics:
                steps = path_steps(diagnostic.attribute)
                shown = mapping.type.attributes[steps[0]].pulumi if steps else ""
                failures.append(provider_pb2.CheckFailure(property=shown, reason=describe(diagnostic)))
        return provider_pb2.CheckResponse(inputs=struct(news), failures=failures)

    def Diff(self, request, context):
        news = from_struct(request.news)
        resource = self.resource(request.urn, request.id, from_struct(request.olds))
        planned, answer = resource.plan(resource.config(news))
        replacing = [tuple(path_steps(path)) for path in answer.requires_replace]
        found, hidden, replaces = {}, {}, []
        for path, shown, kind in differences(resource.prior, planned, resource.type):
            if path[0] == "timeouts" or ignored(shown, request.ignoreChanges):
                continue
            replace = any(path[: len(r)] == r or r[: len(path)] == path for r in replacing)
            if replace:
                replaces.append(shown)
            number = {ADD: 0, DELETE: 2, UPDATE: 4}[kind] + (1 if replace else 0)
            is_input = resource.type.attributes[path[0]].is_input
            (found if is_input else hidden)[shown] = provider_pb2.PropertyDiff(kind=number)
        found = found or hidden
        # pulumi-aws deletes first where a name it would have chosen is the program's and stays.
        fixed = (
            resource.mapping.autoname == "name"
            and "name" in news
            and "name" not in found
            and "name" not in (news.get(DEFAULTS) or [])
        )
        return provider_pb2.DiffResponse(
            changes=2 if found else 1,
            replaces=replaces,
            diffs=sorted({re.split(r"[.\[]", s)[0] for s in found}),
            detailedDiff=found,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces and fixed),
        )

    def Create(self, request, context):
        resource = self.resource(request.urn)
        config = resource.config(from_struct(request.properties), {"create": request.timeout})
        if request.preview:
            planned, _ = resource.plan(config)
            return provider_pb2.CreateResponse(properties=struct(resource.outputs(planned)))
        try:
            state, private = resource.apply(config)
        except TerraformError as error:
            self._fail_partly(context, error, resource, request.properties)
            raise
        return provider_pb2.CreateResponse(
            id=state["id"], properties=struct(resource.outputs(state, private))
        )

    def Update(self, request, context):
        resource = self.resource(request.urn, request.id, from_struct(request.olds))
        config = resource.config(from_struct(request.news), {"update": request.timeout})
        if request.preview:
            planned, _ = resource.plan(config)
            return provider_pb2.UpdateResponse(properties=struct(resource.outputs(planned, resource.private)))
        try:
            state, private = resource.apply(config)
        except TerraformError as error:
            self._fail_partly(context, error, resource, request.news)
            raise
        return provider_pb2.UpdateResponse(properties=struct(resource.outputs(state, private)))

    def Delete(self, request, context):
        resource = self.resource(request.urn, request.id, from_struct(request.properties))
        resource.apply(None)
        return provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty()

    def Read(self, request, context):
        olds, inputs = from_struct(request.properties), from_struct(request.inputs)
        resource = self.resource(request.urn, request.id, olds)
        state, private = resource.prior, resource.private
        if not olds:
            found = self.terraform.call(
                "ImportResourceState", type_name=resource.mapping.tf_type, id=request.id
            )
            match = next(r for r in found.imported_resources if r.type_name == resource.mapping.tf_type)
            state, private = decode(match.state), match.private
        answer = self.terraform.call(
            "ReadResource",
            type_name=resource.mapping.tf_type,
            current_state=resource.wire(state),
            private=private,
        )
        state = decode(answer.new_state)
        if state is None:
            return provider_pb2.ReadResponse()
        outputs = resource.outputs(state, answer.private)
        if olds:
            inputs = self._refresh_inputs(resource, inputs, state)
        else:
            inputs = {
                a.pulumi: outputs[a.pulumi]
                for n, a in resource.type.attributes.items()
                if (a.required or a.optional)
                and a.is_input
                and n != "id"
                and outputs.get(a.pulumi) not in (None, "", [], {}, False, 0)
            }
        return provider_pb2.ReadResponse(id=state["id"], properties=struct(outputs), inputs=struct(inputs))

    @staticmethod
    def _refresh_inputs(resource, inputs, state):
        """Former inputs with the values that drifted in the cloud put in their place."""
        for name, attribute in resource.type.attributes.items():
            if (
                attribute.pulumi in inputs
                and not attribute.write_only
                and not equal(resource.prior[name], state[name], attribute.type)
            ):
                fresh = resource.mapping.to_pulumi({name: state[name]}).get(attribute.pulumi)
                inputs[attribute.pulumi] = fresh
        return {k: v for k, v in inputs.items() if v is not None}

    @staticmethod
    def _fail_partly(context, error, resource, inputs):
        """Report an error after which the resource exists all the same, so that its state is kept."""
        state = getattr(error, "state", None)
        if not state or state.get("id") in (None, UNKNOWN):
            return
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=state["id"],
                properties=struct(resource.outputs(state, error.private)),
                reasons=[describe(d) for d in error.diagnostics],
                inputs=inputs,
            )
        )
        status = status_pb2.Status(code=2, message=str(error), details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def Cancel(self, request, context):
        self.stop()
        return provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty()
