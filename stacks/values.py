"""The field types of the config: each refuses a wrong value in words that say what is right."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def kebab(name: str) -> str:
    """The YAML spelling of a Python name."""
    return name.strip("_").replace("_", "-")


class Strict(BaseModel):
    """Base of everything in the config: kebab-case names, unknown ones refused."""

    model_config = ConfigDict(alias_generator=kebab, populate_by_name=True, extra="forbid", frozen=True)


class Secure(Strict):
    """A value that Pulumi has encrypted; only the engine sees it in clear."""

    secure: str


Secret = Annotated[str | Secure, Field(description="a secret: pulumi config set --secret")]


_EXAMPLE = "2025-12-03T14:23:00Z"


def _zoned(value: Any) -> str:
    text = str(value)
    if isinstance(value, datetime) or text.endswith(" UTC"):
        # YAML makes a time of unquoted text, and where the zone was missing nobody can tell any more.
        raise ValueError(
            f'{text} stands there without quotes; write it as a string with its zone: "{_EXAMPLE}"'
        )
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it like {_EXAMPLE}") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write {text}Z for UTC, or an offset like {text}+01:00")
    utc = moment.astimezone(UTC).isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return utc.replace("+00:00", "Z")


def _restore_name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text) or len(text) > 63:
        raise ValueError(
            f"{text!r} is not a name every provider takes: at most 63 lower-case letters, digits and single "
            f"hyphens, a letter first (nearest: {_nearest_name(text)})"
        )
    if text == "source":
        raise ValueError("'source' always means the original; give the restore another name")
    return text


def _nearest_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")
    return name if name[:1].isalpha() else f"restore-{name}".rstrip("-")


def _identifier(text: str) -> str:
    if not 1 <= len(text.encode()) <= 63 or "\0" in text:
        raise ValueError(f"{text!r} is not a PostgreSQL name: 1 to 63 bytes")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network like 203.0.113.7/32: {error}") from None


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
    return path


def _database_url(text: str | Secure) -> str | Secure:
    if isinstance(text, str) and (
        urlsplit(text).scheme not in ("postgresql", "postgres") or not urlsplit(text).hostname
    ):
        raise ValueError("is not a URL like postgresql://user:password@host:5432/database")
    return text


ZonedTime = Annotated[str, BeforeValidator(_zoned), Field(examples=["2025-12-03T14:23:00Z"])]
RestoreName = Annotated[str, AfterValidator(_restore_name)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Network = Annotated[str, AfterValidator(_network), Field(examples=["203.0.113.7/32"])]
Lsn = Annotated[str, AfterValidator(_lsn), Field(examples=["0/1500028"])]
Xid = Annotated[str, BeforeValidator(_xid), Field(examples=["731"])]
Folder = Annotated[Path, AfterValidator(_folder)]
Port = Annotated[int, Field(ge=1024, le=65535)]
DatabaseUrl = Annotated[Secret, AfterValidator(_database_url)]
