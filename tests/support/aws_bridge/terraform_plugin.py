"""Start a Terraform provider binary and speak version 5 of its plugin protocol.

The protocol's messages are described here as a compact table, from which the
protobuf classes are built when the module is loaded; nothing is generated on disk.
"""

import glob
import os
import subprocess
import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# message -> "field:number:type" ("*" = repeated, "%" = map from string to that type)
_MESSAGES = {
    "DynamicValue": "msgpack:1:bytes json:2:bytes",
    "AttributePath.Step": "attribute_name:1:string element_key_string:2:string element_key_int:3:int64",
    "AttributePath": "steps:1:*AttributePath.Step",
    "Diagnostic": "severity:1:int32 summary:2:string detail:3:string attribute:4:AttributePath",
    "Attribute": "name:1:string type:2:bytes required:4:bool optional:5:bool computed:6:bool"
    " sensitive:7:bool write_only:10:bool",
    "NestedBlock": "type_name:1:string block:2:Block nesting:3:int32 min_items:4:int64 max_items:5:int64",
    "Block": "version:1:int64 attributes:2:*Attribute block_types:3:*NestedBlock",
    "Schema": "version:1:int64 block:2:Block",
    "ClientCapabilities": "deferral_allowed:1:bool write_only_attributes_allowed:2:bool",
    "GetSchema.Request": "",
    "GetSchema.Response": "provider:1:Schema resource_schemas:2:%Schema data_source_schemas:3:%Schema"
    " diagnostics:4:*Diagnostic",
    "PrepareProviderConfig.Request": "config:1:DynamicValue",
    "PrepareProviderConfig.Response": "prepared_config:1:DynamicValue diagnostics:2:*Diagnostic",
    "Configure.Request": "terraform_version:1:string config:2:DynamicValue",
    "Configure.Response": "diagnostics:1:*Diagnostic",
    "ValidateResourceTypeConfig.Request": "type_name:1:string config:2:DynamicValue"
    " client_capabilities:3:ClientCapabilities",
    "ValidateResourceTypeConfig.Response": "diagnostics:1:*Diagnostic",
    "ReadResource.Request": "type_name:1:string current_state:2:DynamicValue private:3:bytes",
    "ReadResource.Response": "new_state:1:DynamicValue diagnostics:2:*Diagnostic private:3:bytes",
    "PlanResourceChange.Request": "type_name:1:string prior_state:2:DynamicValue"
    " proposed_new_state:3:DynamicValue config:4:DynamicValue prior_private:5:bytes",
    "PlanResourceChange.Response": "planned_state:1:DynamicValue requires_replace:2:*AttributePath"
    " planned_private:3:bytes diagnostics:4:*Diagnostic",
    "ApplyResourceChange.Request": "type_name:1:string prior_state:2:DynamicValue"
    " planned_state:3:DynamicValue config:4:DynamicValue planned_private:5:bytes",
    "ApplyResourceChange.Response": "new_state:1:DynamicValue private:2:bytes diagnostics:3:*Diagnostic",
    "ImportResourceState.Request": "type_name:1:string id:2:string",
    "ImportedResource": "type_name:1:string state:2:DynamicValue private:3:bytes",
    "ImportResourceState.Response": "imported_resources:1:*ImportedResource diagnostics:2:*Diagnostic",
    "ReadDataSource.Request": "type_name:1:string config:2:DynamicValue",
    "ReadDataSource.Response": "state:1:DynamicValue diagnostics:2:*Diagnostic",
    "Stop.Request": "",
    "Stop.Response": "error:1:string",
}
_KIND = {"bytes": 12, "string": 9, "int32": 5, "int64": 3, "bool": 8}
_MAGIC = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
_MAX_MESSAGE = 256 << 20


def _build_messages():
    """Turn the table above into protobuf message classes."""
    flat = lambda name: name.replace(".", "_")  # noqa: E731
    file = descriptor_pb2.FileDescriptorProto(
        name="bridge_tfplugin5.proto", package="bridge", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=flat(name))
        for spec in fields.split():
            field_name, number, kind = spec.split(":")
            field = message.field.add(name=field_name, number=int(number), label=3 if kind[0] in "*%" else 1)
            if kind[0] == "%":
                entry = message.nested_type.add(name=field_name.title().replace("_", "") + "Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=1, type=9)
                entry.field.add(
                    name="value", number=2, label=1, type=11, type_name=f".bridge.{flat(kind[1:])}"
                )
                field.type, field.type_name = 11, f".bridge.{flat(name)}.{entry.name}"
            elif kind.lstrip("*") in _KIND:
                field.type = _KIND[kind.lstrip("*")]
            else:
                field.type, field.type_name = 11, f".bridge.{flat(kind.lstrip('*'))}"
            if name == "AttributePath.Step":
                field.oneof_index = 0
        if name == "AttributePath.Step":
            message.oneof_decl.add(name="selector")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bridge.{flat(n)}")) for n in _MESSAGES
    }


MESSAGES = _build_messages()


class TerraformError(Exception):
    """Error diagnostics of a provider call; `state` holds what the call still returned."""

    def __init__(self, diagnostics, response=None):
        self.diagnostics = diagnostics
        self.response = response
        super().__init__("\n".join(describe(d) for d in diagnostics))


def path_steps(path):
    """An AttributePath as a list of names and indexes."""
    return [getattr(step, step.WhichOneof("selector")) for step in path.steps if step.WhichOneof("selector")]


def describe(diagnostic):
    """One diagnostic as readable text."""
    where = ".".join(str(step) for step in path_steps(diagnostic.attribute))
    text = diagnostic.summary + (f": {diagnostic.detail}" if diagnostic.detail else "")
    return f"{where}: {text}" if where else text


def find_binary():
    """The AWS provider binary: the environment's, else the newest of the usual plugin folders."""
    if os.environ.get("TERRAFORM_PROVIDER_AWS"):
        return os.environ["TERRAFORM_PROVIDER_AWS"]
    tail = os.path.join("*", "hashicorp", "aws", "*", "*", "terraform-provider-aws_*")
    home = os.path.expanduser("~")
    roots = [
        os.environ.get("TF_PLUGIN_CACHE_DIR", ""),
        os.path.join(home, ".terraform.d", "plugins"),
        os.path.join(home, ".terraform.d", "plugin-cache"),
        os.path.join(home, ".local", "share", "terraform", "plugins"),
    ]
    for base in ("opt", os.path.join("usr", "local", "share"), os.path.join("usr", "share")):
        roots += [os.path.join(os.sep, base, "*"), os.path.join(os.sep, base, "*", "plugins")]
    found = [
        path
        for root in roots
        if root
        for path in glob.glob(os.path.join(root, tail))
        if os.access(path, os.X_OK)
    ]
    if not found:
        raise FileNotFoundError("no terraform-provider-aws binary found; set TERRAFORM_PROVIDER_AWS")
    version = lambda path: [int(n) for n in path.split(os.sep)[-3].split(".") if n.isdigit()]  # noqa: E731
    return max(found, key=version)


class TerraformProvider:
    """A running provider process; `call` sends one request and raises on error diagnostics."""

    def __init__(self, warn=lambda text: None):
        self.warn = warn
        env = dict(
            os.environ,
            TF_PLUGIN_MAGIC_COOKIE=_MAGIC,
            PLUGIN_PROTOCOL_VERSIONS="5",
            PLUGIN_MIN_PORT="10000",
            PLUGIN_MAX_PORT="25000",
        )
        self.process = subprocess.Popen(
            [find_binary()],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._last_lines = []
        threading.Thread(target=self._drain, daemon=True).start()
        handshake = self.process.stdout.readline().strip().split("|")
        if len(handshake) < 5 or handshake[1] != "5":
            raise RuntimeError(f"provider did not start (exit {self.process.poll()}): {self._last_lines}")
        limits = [
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
        ]
        target = f"unix:{handshake[3]}" if handshake[2] == "unix" else handshake[3]
        self._channel = grpc.insecure_channel(target, options=limits)

    def _drain(self):
        for line in self.process.stderr:
            self._last_lines = ([*self._last_lines, line.rstrip()])[-20:]

    def call(self, method, **fields):
        """Call one method of the provider service."""
        request = MESSAGES[f"{method}.Request"](**fields)
        invoke = self._channel.unary_unary(
            f"/tfplugin5.Provider/{method}",
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=MESSAGES[f"{method}.Response"].FromString,
        )
        response = invoke(request)
        diagnostics = getattr(response, "diagnostics", [])
        for diagnostic in diagnostics:
            if diagnostic.severity == 2:
                self.warn(describe(diagnostic))
        errors = [d for d in diagnostics if d.severity == 1]
        if errors:
            raise TerraformError(errors, response)
        return response

    def stop(self):
        """End the provider process."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
