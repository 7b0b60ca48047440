"""The value types of a suite: durations, percentages, table and column names, bounds of a number."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from psycopg import sql
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_NAME = re.compile(r'[^."\x00]+')
_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def kebab(name: str) -> str:
    """The spelling of a field in YAML: ``at_least`` is ``at-least``, ``with_`` is ``with``."""
    return name.rstrip("_").replace("_", "-")


class Part(BaseModel):
    """A mapping in the suite: kebab-case keys, and no key that we do not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=kebab, arbitrary_types_allowed=True, allow_inf_nan=False
    )


def parse_duration(value: Any) -> timedelta:
    """``10m``, ``1h30m`` or ``500ms``; a bare number is refused, because its unit would be a guess."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError("must be a duration with its unit, such as 30s, 10m or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([a-z]+)", value))
    if not 0 < seconds <= 366 * 86400:
        raise ValueError("must be longer than nothing and at most 366 days")
    return timedelta(seconds=seconds)


def parse_percent(value: Any) -> float:
    """``5%`` as the fraction 0.05."""
    if isinstance(value, float) and 0 <= value <= 1:
        return value
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if not found or float(found[1]) > 100:
        raise ValueError("must be a percentage from 0% to 100%, such as 5%")
    return float(found[1]) / 100


def _dotted(most: int, example: str) -> AfterValidator:
    def check(name: str) -> str:
        parts = name.split(".")
        if len(parts) > most or not all(_NAME.fullmatch(part) for part in parts):
            raise ValueError(f"must be a name such as {example}, without quotes")
        return name

    return AfterValidator(check)


def _column_of_a_table(name: str) -> str:
    if "." not in name:
        raise ValueError("must name the table and its column, such as user_troops.user_id")
    return name


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Percent = Annotated[float, BeforeValidator(parse_percent)]
TableName = Annotated[str, _dotted(2, "users or public.users")]
ColumnName = Annotated[str, _dotted(1, "user_id")]
TableColumn = Annotated[
    str, _dotted(3, "user_troops.user_id or public.user_troops.user_id"), AfterValidator(_column_of_a_table)
]
Columns = Annotated[list[ColumnName], Field(min_length=1)]


def dotted(schema: str, name: str) -> str:
    """A name of the catalog as ``identifier`` takes it; parts with a dot or a quote in them are quoted."""
    parts = ((part, part.replace('"', '""')) for part in (schema, name))
    return ".".join(part if _NAME.fullmatch(part) else f'"{doubled}"' for part, doubled in parts)


def identifier(name: str) -> sql.Identifier:
    """A dotted name of the suite or the catalog, quoted as SQL wants it."""
    parts = (quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(name))
    return sql.Identifier(*parts)


def columns_list(names: list[str] | tuple[str, ...], prefix: str = "") -> sql.Composed:
    """Column names quoted and joined by commas, each with the table alias ``prefix`` when given."""
    return sql.SQL(", ").join(
        sql.Identifier(prefix, name) if prefix else sql.Identifier(name) for name in names
    )


def in_units(duration: timedelta) -> str:
    """A duration as a person says it: ``10m``, ``1h30m``, ``0.5s``."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:g}s"
    words = ""
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, _UNITS[unit])
        words += f"{count:g}{unit}" if count else ""
    return words + (f"{seconds:.0f}s" if seconds >= 1 else "")


class Bounds(Part):
    """What a number may be: ``exactly``, or ``at-least`` and ``at-most``."""

    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)
    exactly: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _make_sense(self) -> Bounds:
        if self.exactly is not None and (self.at_least, self.at_most) != (None, None):
            raise ValueError("takes either exactly, or at-least and at-most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("has at-least above at-most: nothing would pass")
        return self

    def complaint(self, number: int, of: str) -> str | None:
        """What is wrong with ``number`` (``of`` says what was counted), or None."""
        wrong = (
            (self.exactly is not None and number != self.exactly, f"exactly {self.exactly}"),
            (self.at_least is not None and number < self.at_least, f"at least {self.at_least}"),
            (self.at_most is not None and number > self.at_most, f"at most {self.at_most}"),
        )
        return next((f"{number} {of}, expected {wanted}" for broken, wanted in wrong if broken), None)


def number_or_bounds(value: Any) -> Any:
    """``4`` is short for ``{exactly: 4}``."""
    return {"exactly": value} if isinstance(value, int) and not isinstance(value, bool) else value
