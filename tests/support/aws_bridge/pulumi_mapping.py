"""Map Pulumi tokens, property names and shapes to Terraform's.

Everything is derived from two sources that describe the same things: the classes of
the installed pulumi_aws package and the schema the Terraform provider reports.
"""

import collections.abc
import functools
import importlib
import inspect
import keyword
import re
import typing

from pulumi import _types
from terraform_values import UNKNOWN, type_from_block

# Defaults that pulumi-aws sets itself where Terraform would write its own name.
MANAGED = {
    ("aws_security_group", "description"),
    ("aws_db_subnet_group", "description"),
    ("aws_db_parameter_group", "description"),
    ("aws_db_option_group", "option_group_description"),
    ("aws_rds_cluster_parameter_group", "description"),
    ("aws_route53_zone", "comment"),
    ("aws_elasticache_subnet_group", "description"),
    ("aws_elasticache_parameter_group", "description"),
}
# Properties that pulumi-aws names itself, and what stands before the random digits.
AUTONAMES = {"aws_db_instance": ("identifier", ""), "aws_s3_bucket": ("bucket", "-")}
SECRET, SECRET_MARK = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def camel(name):
    """snake_case to camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def snake(name):
    """camelCase or PascalCase to snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _plurals(name):
    yield name + "s"
    yield name + "es"
    if name.endswith("y"):
        yield name[:-1] + "ies"


def _bare(hint):
    """A type hint without Optional, Awaitable and Output around it."""
    while typing.get_origin(hint) is typing.Union:
        hint = next((a for a in typing.get_args(hint) if a is not type(None)), None)
    return hint


def _properties(cls):
    """Pulumi property name -> type hint of a pulumi_aws class ({} when it is not one)."""
    if inspect.isclass(cls) and _types.is_input_type(cls):
        return _types.input_type_types(cls)
    if inspect.isclass(cls) and _types.is_output_type(cls):
        return _types.output_type_types(cls)
    return {}


def _apply_names(type_, cls, inputs=None):
    """Give each attribute of an object type its Pulumi name and shape."""
    hints = _properties(cls)
    for name in list(type_.attributes):
        attribute = type_.attributes[name]
        plain, many = camel(name), attribute.type.kind in ("list", "set")
        options = [plain, *(_plurals(plain) if many else ())]
        known = next((o for o in options if o in hints), None)
        hint = _bare(hints.get(known))
        listed = typing.get_origin(hint) is collections.abc.Sequence
        attribute.flat = many and (attribute.max_items == 1 if known is None else not listed)
        attribute.pulumi = known or (options[1] if many and not attribute.flat else plain)
        attribute.is_input = inputs is None or attribute.pulumi in inputs
        inner = attribute.type
        if inner.kind in ("list", "set", "map"):
            inner, hint = (
                inner.element,
                hint if attribute.flat else _bare((typing.get_args(hint) or (None,))[-1]),
            )
        if inner.kind == "object":
            _apply_names(inner, hint)
    return type_


class Mapping:
    """How one Pulumi token is served: its Terraform type, the named schema and naming rules."""

    def __init__(self, tf_type, schema, state_class, args_class=None):
        self.tf_type, self.version = tf_type, schema.version
        args = _properties(args_class)
        self.type = _apply_names(type_from_block(schema.block), state_class, args if args_class else None)
        self.has_timeouts = "timeouts" in self.type.attributes
        parameters = inspect.signature(args_class.__init__).parameters if args_class else {}
        named, self.separator = AUTONAMES.get(tf_type, ("name", "-"))
        named_attribute = self.type.attributes.get(named)
        self.autoname = (
            named
            if named in args
            and parameters[named].default is None
            and named_attribute
            and named_attribute.type.kind == "string"
            else None
        )
        self.defaults = {
            camel(n): "Managed by Pulumi" for t, n in MANAGED if t == tf_type and camel(n) in args
        }

    def to_terraform(self, properties, id_=None):
        """Pulumi properties as a Terraform object (`id_` only for a state)."""
        value = _to_terraform(properties, self.type)
        value.pop("timeouts", None)
        if "id" in self.type.attributes:
            value["id"] = id_
        return value

    def to_pulumi(self, value):
        """A Terraform object as Pulumi properties, sensitive ones marked secret."""
        return _to_pulumi({k: v for k, v in value.items() if k != "timeouts"}, self.type)


def _to_terraform(value, type_):
    if value is None or value is UNKNOWN:
        return value
    if type_.kind == "object":
        out = {}
        for name, attribute in type_.attributes.items():
            item = value.get(attribute.pulumi)
            if attribute.flat and item is not None and item is not UNKNOWN:
                item = [item]
            out[name] = _to_terraform(item, attribute.type)
        return out
    if type_.kind in ("list", "set"):
        return [_to_terraform(item, type_.element) for item in value]
    if type_.kind == "map":
        return {key: _to_terraform(item, type_.element) for key, item in value.items()}
    return value


def _to_pulumi(value, type_):
    if value is None or value is UNKNOWN:
        return value
    if type_.kind == "object":
        out = {}
        for name, attribute in type_.attributes.items():
            item = _to_pulumi(value.get(name), attribute.type)
            if attribute.flat and isinstance(item, list):
                item = item[0] if item else None
            if item is not None:
                out[attribute.pulumi] = {SECRET: SECRET_MARK, "value": item} if attribute.sensitive else item
        return out
    if type_.kind in ("list", "set"):
        return [_to_pulumi(item, type_.element) for item in value]
    if type_.kind == "map":
        return {key: _to_pulumi(item, type_.element) for key, item in value.items()}
    return value


def _module(token_module):
    """The pulumi_aws module of a token's middle part, "rds/instance" -> pulumi_aws.rds.instance."""
    parts = [snake(part) for part in token_module.split("/") if part != "index"]
    return importlib.import_module(
        ".".join(["pulumi_aws"] + [p + "_" if keyword.iskeyword(p) else p for p in parts])
    )


def terraform_type(token, schemas, names):
    """The Terraform type of a token: its conventional name, else the best fit of property names."""
    _, module, name = token.split(":")
    word = snake(name[3:] if name.startswith("get") else name)
    exact = f"aws_{module.split('/')[0]}_{word}"
    if exact in schemas:
        return exact
    names = {n for n in names if n not in ("id", "region")}

    def fit(tf_type):
        block = schemas[tf_type].block
        single = {camel(n.name) for n in [*block.attributes]} | {
            camel(n.type_name) for n in block.block_types
        }
        single -= {"id", "timeouts"}
        found = sum(1 for n in single if n in names or any(p in names for p in _plurals(n)))
        return found / max(len(single) + len(names) - found, 1)

    near = [t for t in schemas if t == f"aws_{word}" or t.endswith(f"_{word}")] or list(schemas)
    best = max(near, key=lambda t: (fit(t), -len(t)))
    if fit(best) < 0.5:
        raise LookupError(f"no Terraform type fits {token} (best: {best}, {fit(best):.0%})")
    return best


class Catalog:
    """The mappings of all resources and data sources of a provider schema."""

    def __init__(self, schema):
        self.schema = schema
        self.resource = functools.lru_cache(None)(self._resource)
        self.data_source = functools.lru_cache(None)(self._data_source)

    def _resource(self, token):
        _, module, name = token.split(":")
        python = _module(module)
        state = getattr(python, f"_{name}State", None) or getattr(python, f"{name}Args")
        tf_type = terraform_type(token, self.schema.resource_schemas, _properties(state))
        return Mapping(tf_type, self.schema.resource_schemas[tf_type], state, getattr(python, f"{name}Args"))

    def _data_source(self, token):
        _, module, name = token.split(":")
        result = getattr(_module(module), f"{name[0].upper()}{name[1:]}Result")
        tf_type = terraform_type(token, self.schema.data_source_schemas, _properties(result))
        return Mapping(tf_type, self.schema.data_source_schemas[tf_type], result)

    def provider(self):
        """The mapping of the provider's own configuration."""
        return Mapping("provider", self.schema.provider, _module("provider").ProviderArgs)


def from_struct(value):
    """A protobuf Struct or Value as plain values, secrets opened, unknowns as UNKNOWN."""
    if value.DESCRIPTOR.name == "Struct":
        fields = {k: from_struct(v) for k, v in value.fields.items()}
        return fields.get("value") if fields.get(SECRET) == SECRET_MARK else fields
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [from_struct(item) for item in value.list_value.values]
    if kind in (None, "null_value"):
        return None
    plain = getattr(value, kind)
    return UNKNOWN if plain == UNKNOWN_MARK else plain


def to_struct_ready(value):
    """Plain values with UNKNOWN written as Pulumi's marker, ready for Struct.update."""
    if value is UNKNOWN:
        return UNKNOWN_MARK
    if isinstance(value, dict):
        return {k: to_struct_ready(v) for k, v in value.items()}
    if isinstance(value, list):
        return [to_struct_ready(v) for v in value]
    return value
