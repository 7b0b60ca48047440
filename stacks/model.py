"""The config of a stack and every rule about it: the command line and a bare ``pulumi up`` obey the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from problem import Misuse
from stacks.canary.settings import Canary
from stacks.canary.settings import broken_rules as rules_of_the_canary
from stacks.endpoints import Endpoint
from stacks.kinds import kinds, load
from stacks.messages import PREFIX, messages
from stacks.restores import Restore, is_released, why_not
from stacks.runner import Runner
from stacks.sources import Source
from stacks.values import DatabaseUrl, Network, RestoreName, Strict, Text
from stacks.writers import Writer

PROVIDERS, ENDPOINTS, WRITERS = "stacks.providers", "stacks.endpoints", "stacks.writers"
Writing = Literal["none", "canary", "all"]
SourceT = TypeVar("SourceT", bound=Source)
RestoreT = TypeVar("RestoreT", bound=Restore)


class Entry(Strict):
    """``- kind: {...}``: one of a package's kinds with its settings."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @property
    def chosen(self) -> Any:
        """The settings of the kind that is given."""
        return next(value for value in dict(self).values() if value is not None)

    @model_validator(mode="after")
    def _one(self) -> Entry:
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            kinds_known = ", ".join(str(field.alias) for field in type(self).model_fields.values())
            raise ValueError(f"needs exactly one of {kinds_known}")
        return self


def _entry(package: str, base: type[BaseModel]) -> type[Entry]:
    """An ``Entry`` with a field for each kind that the package has."""
    found: dict[str, Any] = {}
    for kind in kinds(package):
        settings = load(package, kind).Settings
        found[kind.replace("-", "_")] = (settings | None, None)
    return create_model(base.__name__ + "Entry", __base__=Entry, **found)


if TYPE_CHECKING:
    EndpointEntry: TypeAlias = Entry
    WriterEntry: TypeAlias = Entry
else:
    EndpointEntry, WriterEntry = _entry(ENDPOINTS, Endpoint), _entry(WRITERS, Writer)


def _distinct(entries: list[Any]) -> list[Any]:
    labels = [entry.chosen.label for entry in entries]
    counted = Counter(labels)
    wrong = [f"{label} stands there {count} times" for label, count in counted.items() if count > 1]
    if wrong:
        raise ValueError("; ".join(wrong))
    return entries


def _together(restores: dict[str, Any]) -> dict[str, Any]:
    wrong = [line for kind in {type(one) for one in restores.values()} for line in kind.conflicts(restores)]
    if wrong:
        raise ValueError("; ".join(wrong))
    return restores


Distinct = AfterValidator(_distinct)


class Config(Strict, Generic[SourceT, RestoreT]):
    """Everything under ``reforge:`` in Pulumi.<stack>.yaml."""

    source: SourceT = Field(description="the damaged database: looked up, never managed")
    source_url: DatabaseUrl = Field(description="the original's connection string, a secret")
    operators: list[Network] = Field(
        min_length=1, description="who may reach a restore before it is validated"
    )
    restores: Annotated[dict[RestoreName, RestoreT], AfterValidator(_together)] = Field(
        {}, description="new instances by name", json_schema_extra={"additionalProperties": False}
    )
    serving: str = Field("source", description="where the application points: source, or a restore")
    endpoints: Annotated[list[EndpointEntry], Distinct] = Field(
        [], description="what tells the application where its database is"
    )
    writers: Annotated[list[WriterEntry], Distinct] = Field(
        [], description="what writes to the database by itself"
    )
    writing: Writing = Field("all", description="which writers may work")
    suite: Text | None = Field(None, description="the validation suite's file")
    runner: Runner | None = Field(None, description="where large loads and validations are done")
    canary: Canary | None = Field(None, description="a small copy of the application that tries a restore")


@cache
def config_model(provider: str) -> type[Config[Any, Any]]:
    """The config with a provider's own source and restores."""
    settings: Any = load(PROVIDERS, provider, "settings")
    return Config[settings.Source, settings.Restore]


def data_types() -> frozenset[str]:
    """The resource types that hold data, of every provider: none is ever replaced or deleted by the way."""
    return frozenset(
        kind for name in kinds(PROVIDERS) for kind in load(PROVIDERS, name, "settings").HOLD_DATA
    )


def parse(raw: Mapping[str, Any]) -> Config[Any, Any]:
    """The config of a stack from its values without the ``reforge:`` prefix.

    Raises ``Misuse`` ``config-wrong`` with a line for each wrong value and each broken rule.
    """
    raw = {name: value for name, value in raw.items() if value is not None}  # a key with nothing under it
    model = config_model(_provider(raw))
    wrong = broken_rules(raw) + rules_of_the_canary(raw)
    try:
        config = model.model_validate(raw)
        wrong = config.source.complaints(config.restores) + wrong
    except ValidationError as error:
        wrong = messages(error, model) + wrong
    if wrong:
        raise Misuse("config-wrong", "\n".join(wrong))
    return config


def _provider(raw: Mapping[str, Any]) -> str:
    """The provider named, or where the name is wrong the likeliest, so that the rest is still checked."""
    source, known = raw.get("source"), kinds(PROVIDERS)
    said: Mapping[Any, Any] = source if isinstance(source, Mapping) else {}
    if said.get("provider") in known:
        return str(said["provider"])
    return max(known, key=lambda name: len(said.keys() & _source_fields(name)))


def _source_fields(provider: str) -> set[str]:
    fields = load(PROVIDERS, provider, "settings").Source.model_fields.items()
    return {field.alias or name for name, field in fields}


def broken_rules(raw: Mapping[str, Any]) -> list[str]:
    """The rules between values, checked on the raw config so that they are told beside wrong values."""
    restores, serving = raw.get("restores", {}), raw.get("serving", "source")
    if not isinstance(restores, Mapping) or not isinstance(serving, str) or serving == "source":
        return []
    if words := why_not(serving, restores, ("source",)):
        return [f"{PREFIX}serving: {words}"]
    if is_released(restores[serving]):
        return [f"{PREFIX}restores.{serving}.release: it serves; a serving restore keeps its protections"]
    return []


def schema() -> dict[str, Any]:
    """JSON Schema of a stack's file, for editors: the config under its ``reforge:`` names."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (config_model(provider), "validation") for provider in kinds(PROVIDERS)
    ]
    # In one go: each provider has a Source and a Restore, and their definitions must not share a name.
    references, found = models_json_schema(models)
    configs, definitions = list(references.values()), found["$defs"]
    for reference in configs:
        one = definitions[reference["$ref"].removeprefix("#/$defs/")]
        one["properties"] = {PREFIX + name: value for name, value in one["properties"].items()}
        one["required"] = [PREFIX + name for name in one["required"]]
        # Other packages' config stands beside ours.
        one["additionalProperties"] = True
        one["propertyNames"] = {
            "anyOf": [{"enum": list(one["properties"])}, {"not": {"pattern": f"^{PREFIX}"}}]
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pulumi.<stack>.yaml of Reforge",
        "type": "object",
        "properties": {"config": {"anyOf": configs}},
        "$defs": definitions,
    }
