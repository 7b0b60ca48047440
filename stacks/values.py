"""The field types of the config: each refuses a wrong value in words that say what is right."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from stacks.urls import is_postgres


def kebab(name: str) -> str:
    """The YAML spelling of a Python name."""
    return name.strip("_").replace("_", "-")


class Strict(BaseModel):
    """Base of everything in the config: kebab-case names, unknown ones refused."""

    model_config = ConfigDict(alias_generator=kebab, extra="forbid", frozen=True)


class Secure(Strict):
    """A value that Pulumi has encrypted; only the engine sees it in clear."""

    secure: str


def clear(value: str | Secure) -> str:
    """A secret's text: the engine hands decrypted values to the program."""
    return value.secure if isinstance(value, Secure) else value


def _text_or_secure(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """One message instead of one for each of the two, and never the value."""
    try:
        return handler(value)
    except ValidationError:
        raise ValueError("is not text; set it with `pulumi config set --secret`") from None


_EXAMPLE = "2025-12-03T14:23:00Z"
_MADE_BY_YAML = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+")
"""A time as the engine prints one that its YAML read: 2025-12-03 14:23:00 +0000 UTC."""


def _zoned(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.isoformat()  # the engine's reader leaves it text; both shall be told alike
    text = str(value).strip()
    if isinstance(value, date) or _MADE_BY_YAML.fullmatch(text):
        # YAML makes a time of unquoted text, and where the zone was missing nobody can tell any more.
        # The engine's reader and ours print it differently, so it is not repeated.
        raise ValueError(f'stands there without quotes; write it as a string with its zone: "{_EXAMPLE}"')
    moment = _moment(text)
    if moment is None:
        raise ValueError(f"{text!r} is not a time; write it like {_EXAMPLE}")
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; {_with_zone(text)}")
    utc = moment.astimezone(UTC).isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return utc.replace("+00:00", "Z")


def _moment(text: str) -> datetime | None:
    """The time that ISO 8601 text names; None where it names none, or one beyond what can be counted."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _with_zone(text: str) -> str:
    if _moment(f"{text}Z") is None:  # a day without a time of day
        return f"write it like {_EXAMPLE}"
    return f"write {text}Z for UTC, or an offset like {text}+01:00, in quotes"


NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
LONGEST_NAME = 63


def _restore_name(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(NAME_PATTERN[1:-1], text) or len(text) > LONGEST_NAME:
        raise ValueError(
            f"{text!r} is not a name every provider takes: at most {LONGEST_NAME} lower-case letters, digits "
            f"and single hyphens, a letter first (nearest: {_nearest_name(text)})"
        )
    if text == "source":
        raise ValueError("'source' always means the original; give the restore another name")
    return text


def _nearest_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name[:1].isalpha() or name == "source":
        name = f"restore-{name}"
    return name[:LONGEST_NAME].rstrip("-")


def _identifier(text: str) -> str:
    if not 1 <= len(text.encode()) <= 63 or "\0" in text:
        raise ValueError(f"{text!r} is not a PostgreSQL name: 1 to 63 bytes")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network like 203.0.113.7/32: {_why(text, error)}") from None


def _why(text: str, error: ValueError) -> str:
    try:
        return f"did you mean {ipaddress.ip_network(text, strict=False)}?"
    except ValueError:
        return str(error)


def _lsn(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}", text):
        raise ValueError(f"{text!r} is not an LSN like 0/1500028")
    return text.upper()


def _xid(value: Any) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,19}", str(value)):
        raise ValueError(f"{value!r} is not a transaction id like 731")
    return str(value)


def _folder(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"'{path}' is not absolute; write the path from /")
    if ".." in path.parts:
        raise ValueError(f"'{path}' goes up by ..; write the path without")
    return path


_URL = re.compile(r"[a-z][a-z0-9+.-]*://")


def is_url(place: Path | str) -> bool:
    """Whether a ``Location`` is a URL and no folder of this machine."""
    return isinstance(place, str)


def _location(value: Any) -> Path | str:
    text = str(value)
    if not _URL.match(text):
        return _folder(Path(text))
    scheme, _, rest = text.partition("://")
    if scheme == "file":
        raise ValueError(f"{text!r} is a folder of this machine; write its path from / without file://")
    place = rest.split("/")[0]
    if not place or "@" in place or "?" in rest:
        # Never repeated: what stands there may be a key.
        raise ValueError("is not a URL like s3://bucket/folder (credentials come from the environment)")
    return text.rstrip("/")


def _database_url(text: str | Secure) -> str | Secure:
    if isinstance(text, str) and not is_postgres(text):
        raise ValueError(
            "is not a URL like postgresql://user:password@host:5432/database "
            "(in user and password, / @ : # and ? are written %2F %40 %3A %23 and %3F)"
        )
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Secret = Annotated[
    str | Secure,
    WrapValidator(_text_or_secure),
    Field(description="a secret: pulumi config set --secret"),
]
ZonedTime = Annotated[
    str,
    BeforeValidator(_zoned),
    WithJsonSchema(
        {"type": "string", "pattern": "[T ].+(Z|[+-][0-9]{2}(:?[0-9]{2})?)$", "examples": [_EXAMPLE]}
    ),
]
RestoreName = Annotated[
    str,
    BeforeValidator(_restore_name),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": LONGEST_NAME}),
]
Identifier = Annotated[str, AfterValidator(_identifier), Field(json_schema_extra={"minLength": 1})]
Network = Annotated[str, AfterValidator(_network), Field(examples=["203.0.113.7/32"])]
Lsn = Annotated[
    str,
    AfterValidator(_lsn),
    Field(examples=["0/1500028"], json_schema_extra={"pattern": "^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$"}),
]
Xid = Annotated[
    str,
    BeforeValidator(_xid),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[1-9][0-9]{0,19}$"},
                {"type": "integer", "minimum": 1},
            ],
            "examples": ["731"],
        }
    ),
]
Folder = Annotated[Path, AfterValidator(_folder), Field(json_schema_extra={"pattern": "^/"})]
Location = Annotated[
    Path | str,
    BeforeValidator(_location),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(/|[a-z][a-z0-9+.-]*://)",
            "examples": ["/srv/backups", "s3://bucket/folder"],
        }
    ),
]
"""A folder of this machine (``Path``), or the URL of one in an object store (``str``), opened by fsspec."""
Port = Annotated[int, Field(ge=1024, le=65535)]
DatabaseUrl = Annotated[Secret, AfterValidator(_database_url)]
