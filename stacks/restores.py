"""A restore as the config declares it: from what, and what was decided about it since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from stacks.dumps import REFINEMENTS, FromDump
from stacks.messages import nearest
from stacks.values import Identifier, Lsn, Strict, Text, Xid, ZonedTime

KINDS = ("snapshot", "time", "lsn", "xid", "name", "latest", "replica", "dump", "adopt")


def _true(value: bool) -> bool:
    if not value:
        raise ValueError("is written as `latest: true`")
    return value


class From(FromDump):
    """What to restore from: exactly one of the kinds, with its refinements."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [kind]} for kind in KINDS],
            "dependentRequired": {name: ["dump"] for name in REFINEMENTS},
        }
    )

    snapshot: Text | None = Field(None, description="a snapshot or base backup by its name")
    time: ZonedTime | None = Field(
        None, description="the state just after everything committed up to this time"
    )
    lsn: Lsn | None = Field(None, description="a position in the WAL")
    xid: Xid | None = Field(None, description="a transaction")
    name: Identifier | None = Field(None, description="a restore point made by pg_create_restore_point()")
    latest: Annotated[bool, AfterValidator(_true), Field(json_schema_extra={"const": True})] | None = Field(
        None, description="all archived WAL"
    )
    replica: Text | None = Field(None, description="a standby to promote")
    adopt: Text | None = Field(
        None, description="what somebody else has restored, by the provider's name for it"
    )
    accept_loss: bool = Field(
        False, description="replica: promote it although the original does not answer or went on without it"
    )
    fence: bool = Field(
        False, description="replica: hold writes off the original from the promotion until a rollback"
    )
    inclusive: bool = Field(
        True, description="false stops just before the lsn, xid or time instead of after it"
    )

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def value(self) -> str | None:
        """The target in words; None for ``latest``."""
        value = getattr(self, self.kind)
        return None if value is True else str(value)

    def __str__(self) -> str:
        return f"{self.kind} {self.value or ''}".strip() + ("" if self.inclusive else " (exclusive)")

    @model_validator(mode="after")
    def _one_kind(self) -> From:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = "none" if not given else " and ".join(given)
            raise ValueError(f"needs exactly one of {', '.join(KINDS)}; found {found}")
        if not self.inclusive and self.kind not in ("time", "lsn", "xid"):
            raise ValueError(f"`inclusive: false` has no meaning with {self.kind}")
        if (self.accept_loss or self.fence) and self.kind != "replica":
            raise ValueError(f"`accept-loss` and `fence` have no meaning with {self.kind}")
        if self.refinements and self.kind != "dump":
            raise ValueError(f"{self.refinements[0]} is for a dump and has no meaning with {self.kind}")
        return self


class Validated(Strict):
    """Proof of a validation that passed."""

    at: ZonedTime
    by: Text
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = Field(description="of the report")


class Waived(Strict):
    """A restore accepted without a passed validation, by somebody who says why."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    by: Text
    at: ZonedTime


def _only_supported(schema: dict[str, Any], model: type[Restore]) -> None:
    others = [{"required": [kind]} for kind in KINDS if kind not in model.SUPPORTED]
    schema["properties"]["from"] |= {"not": {"anyOf": others}} if others else {}


class Restore(Strict):
    """What every provider's restores have; a provider's own class adds to it."""

    model_config = ConfigDict(json_schema_extra=_only_supported)

    SUPPORTED: ClassVar[tuple[str, ...]] = KINDS
    """The kinds of ``from`` that the provider can do."""

    from_: From = Field(alias="from")
    validated: Validated | None = None
    waived: Waived | None = None
    waived_differences: dict[Text, Waived] = Field(
        {}, description="differences from the source, by name, that somebody accepts for the cut-over"
    )

    @property
    def accepted(self) -> bool:
        """Whether the application may come near it."""
        return self.validated is not None or self.waived is not None

    @field_validator("from_")
    @classmethod
    def _supported(cls, found: From) -> From:
        if found.kind not in cls.SUPPORTED:
            hint = nearest(found.kind, cls.SUPPORTED) + f" (allowed: {', '.join(cls.SUPPORTED)})"
            raise ValueError(f"this provider does not restore from a {found.kind} yet{hint}")
        return found

    @classmethod
    def conflicts(cls, restores: Mapping[str, Any]) -> list[str]:
        """What cannot be true of these restores together, in words."""
        return []


class Released(Restore):
    """For providers where what holds data is removed in two steps, each a diff of its own.

    First ``release: true`` takes the protections off and says what is kept; then the entry goes.
    """

    release: bool = Field(False, description="true takes the protections off, so that it can be torn down")
    final_snapshot: Text | None = Field(
        None, description="release: the snapshot that is taken before it goes, or `none`"
    )

    @property
    def kept_as(self) -> str | None:
        """The final snapshot's name; None where none is wanted."""
        return None if self.final_snapshot == "none" else self.final_snapshot

    @model_validator(mode="after")
    def _says_what_is_kept(self) -> Self:
        if self.release and self.final_snapshot is None:
            raise ValueError("`release` needs `final-snapshot`: a name for it, or none")
        if self.final_snapshot is not None and not self.release:
            raise ValueError("`final-snapshot` has no meaning without `release: true`")
        return self


def why_not(name: str, restores: Mapping[str, Any], others: tuple[str, ...] = ()) -> str:
    """Why the application may not come near a restore that is not checked yet; "" where it may.

    ``others`` are names that would be right as well.
    """
    if name not in restores:
        known = [*others, *sorted(map(str, restores))]
        return f"{name!r} is not a restore{nearest(name, known)} (allowed: {', '.join(known) or 'none yet'})"
    if not is_accepted(restores[name]):
        return (
            f"{name!r} is not validated; run `reforge validate {name}`, "
            f"or waive it with a written reason: `reforge validate {name} --waive REASON`"
        )
    return ""


def is_accepted(raw: Any) -> bool:
    """The same as ``Restore.accepted``, of a restore that is not checked yet."""
    return isinstance(raw, Mapping) and bool(raw.get("validated") or raw.get("waived"))


def is_released(raw: Any) -> bool:
    """Whether a restore that is not checked yet has its protections off."""
    return isinstance(raw, Mapping) and bool(raw.get("release"))
