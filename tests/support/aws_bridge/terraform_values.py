"""Terraform types and values: wire encoding, the proposed state of a plan, differences.

Values are plain Python: None, str, bool, int, float, list, dict and UNKNOWN.
"""

import json
from itertools import zip_longest

import msgpack


class _Unknown:
    def __repr__(self):
        return "UNKNOWN"


UNKNOWN = _Unknown()
ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"


class Type:
    """A Terraform type; an object's `attributes` map Terraform names to Attribute."""

    def __init__(self, kind, element=None, attributes=None):
        self.kind, self.element, self.attributes = kind, element, attributes or {}


class Attribute:
    """One attribute or nested block, with the Pulumi name and shape it appears under."""

    def __init__(
        self,
        name,
        type_,
        required=False,
        optional=True,
        computed=False,
        sensitive=False,
        write_only=False,
        block=False,
        max_items=0,
    ):
        self.name, self.type = name, type_
        self.required, self.optional, self.computed = required, optional, computed
        self.sensitive, self.write_only, self.block, self.max_items = sensitive, write_only, block, max_items
        self.pulumi, self.flat, self.is_input = name, False, True


def type_from_json(spec):
    """A type constraint as providers send it ("string", ["list", ...], ["object", {...}])."""
    if isinstance(spec, str):
        return Type(spec)
    if spec[0] == "object":
        return Type("object", attributes={n: Attribute(n, type_from_json(t)) for n, t in spec[1].items()})
    return Type(spec[0], element=type_from_json(spec[1]))


def type_from_block(block):
    """The object type of a schema block."""
    attributes = {
        a.name: Attribute(
            a.name,
            type_from_json(json.loads(a.type)),
            a.required,
            a.optional,
            a.computed,
            a.sensitive,
            a.write_only,
        )
        for a in block.attributes
    }
    for nested in block.block_types:
        kind = {1: "object", 2: "list", 3: "set", 4: "map", 5: "object"}[nested.nesting]
        inner = type_from_block(nested.block)
        attributes[nested.type_name] = Attribute(
            nested.type_name,
            inner if kind == "object" else Type(kind, inner),
            required=nested.min_items > 0,
            optional=nested.min_items == 0,
            block=True,
            max_items=nested.max_items,
        )
    return Type("object", attributes=attributes)


def complete(value, type_):
    """Coerce a value to its type: every attribute present, absent blocks empty, scalars converted."""
    if value is None or value is UNKNOWN:
        return value
    if type_.kind == "object":
        return {name: _completed(value.get(name), one) for name, one in type_.attributes.items()}
    if type_.kind in ("list", "set"):
        return [complete(item, type_.element) for item in value]
    if type_.kind == "map":
        return {key: complete(item, type_.element) for key, item in value.items()}
    return _scalar(value, type_.kind)


def _completed(value, attribute):
    item = complete(value, attribute.type)
    if item is None and attribute.block and attribute.type.kind != "object":
        return {} if attribute.type.kind == "map" else []
    return item


def _scalar(value, kind):
    """A text, number or truth as its type has it, whichever of them it came as."""
    if kind == "bool":
        return value == "true" if isinstance(value, str) else bool(value)
    if kind == "number" or isinstance(value, float):
        number = float(value)
        value = int(number) if number.is_integer() else number
    if kind == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def encode(value, type_):
    """MessagePack bytes of a value, as a DynamicValue carries them."""
    pack = lambda _: msgpack.ExtType(0, b"\x00")  # noqa: E731  (UNKNOWN is the only foreign object)
    return msgpack.packb(complete(value, type_), default=pack, use_bin_type=True)


def decode(dynamic):
    """The value of a DynamicValue."""
    if not dynamic.msgpack:
        return json.loads(dynamic.json) if dynamic.json else None
    return msgpack.unpackb(
        dynamic.msgpack, ext_hook=lambda code, data: UNKNOWN, raw=False, strict_map_key=False
    )


def propose(prior, config, type_):
    """The state a plan starts from: the configuration, with computed values carried over."""
    if config is None or config is UNKNOWN:
        return config
    prior = prior if isinstance(prior, dict) else {}
    out = {}
    for name, attribute in type_.attributes.items():
        wanted, had = config.get(name), prior.get(name)
        if attribute.write_only:
            out[name] = None
        elif attribute.block:
            out[name] = _propose_block(had, wanted, attribute.type)
        else:
            out[name] = had if attribute.computed and wanted is None else wanted
    return out


def _propose_block(prior, config, type_):
    if type_.kind == "object":
        return propose(prior, config, type_)
    if config in (None, UNKNOWN) or type_.kind == "map":
        return config
    left, out = list(prior or []) if prior is not UNKNOWN else [], []
    for index, item in enumerate(config):
        if type_.kind == "list":
            had = left[index] if index < len(left) else None
        else:
            had = next((p for p in left if _fits(p, item, type_.element)), None)
            left = [p for p in left if p is not had]
        out.append(propose(had, item, type_.element))
    return out


def _fits(prior, config, type_):
    """Whether a set's former element is the one a configuration element describes."""
    return all(
        equal(prior.get(n), config.get(n), a.type) or (a.computed and config.get(n) is None)
        for n, a in type_.attributes.items()
    )


def _key(value, type_):
    """A comparable form of a value in which a set's order does not count."""
    if value is UNKNOWN:
        return "\0unknown"
    if value is None or not isinstance(value, (list, dict)):
        return value
    if type_.kind == "object":
        return {n: _key(value.get(n), a.type) for n, a in type_.attributes.items()}
    if isinstance(value, dict):
        return {k: _key(v, type_.element) for k, v in value.items()}
    items = [_key(v, type_.element) for v in value]
    return sorted(items, key=lambda v: json.dumps(v, sort_keys=True)) if type_.kind == "set" else items


def equal(left, right, type_):
    """Whether two values of a type are the same (a set's order does not count)."""
    return _key(left, type_) == _key(right, type_)


def differences(prior, planned, type_, path=(), shown=""):
    """Yield (Terraform path, Pulumi path, kind) of each difference, sets as a whole."""
    if equal(prior, planned, type_):
        return
    if prior in (None, []) or planned in (None, []):
        yield path, shown, ADD if prior in (None, []) else DELETE
    elif UNKNOWN in (prior, planned) or type_.kind not in ("object", "list", "map"):
        yield path, shown, UPDATE
    else:
        for left, right, inner, step, label in _INSIDE[type_.kind](prior, planned, type_, shown):
            yield from differences(left, right, inner, path + step, label)


def _in_object(prior, planned, type_, shown):
    for name, attribute in type_.attributes.items():
        step, left, right, inner = (name,), prior.get(name), planned.get(name), attribute.type
        label = f"{shown}.{attribute.pulumi}" if shown else attribute.pulumi
        if attribute.flat and isinstance(left, list) and isinstance(right, list):
            step, inner = (name, 0), inner.element
            left, right = (left or [None])[0], (right or [None])[0]
        yield left, right, inner, step, label


def _in_list(prior, planned, type_, shown):
    for index, (left, right) in enumerate(zip_longest(prior, planned)):
        yield left, right, type_.element, (index,), f"{shown}[{index}]"


def _in_map(prior, planned, type_, shown):
    for key in sorted({*prior, *planned}):
        label = f"{shown}.{key}" if key.isidentifier() else f"{shown}[{json.dumps(key)}]"
        yield prior.get(key), planned.get(key), type_.element, (key,), label


_INSIDE = {"object": _in_object, "list": _in_list, "map": _in_map}
