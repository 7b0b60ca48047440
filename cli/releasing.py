"""The first step of a teardown in a cloud: protections off, and what is kept, in a diff of its own."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cli.position import applied
from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


_ONLY_FORGOTTEN = {"replica", "adopt"}
"""What somebody else made, it stays theirs: there is nothing to release and nothing to keep a snapshot of."""


class Releasing:
    """Of one restore; ``wanted``: the final snapshot as it was typed, a name or ``none``.

    Misuse where it is typed for a provider that keeps none.
    """

    def __init__(self, session: Session, name: str, wanted: str | None) -> None:
        self._session, self._name = session, name
        self._stands = (session.file.raw.get("restores") or {}).get(name) or {}
        if wanted and not self._possible:
            what = f"{name} has no protections to take off: --final-snapshot is for what a cloud restored."
            raise Misuse("option-wrong", what, session.command("teardown", name))
        self._kept = wanted or self._stands.get("final-snapshot")

    @property
    def needed(self) -> bool:
        """Whether it is made, and its release is not applied yet; Misuse where nobody said what is kept."""
        if not (self._stands and self._possible and self._is_made):
            return False
        if self._kept is None:
            raise Misuse(
                "final-snapshot-unsaid",
                f"Is a last snapshot of {self._name} to be kept?",
                self._session.command("teardown", self._name, "--final-snapshot NAME (or none)"),
            )
        return not self._is_done

    def edit(self, draft: Draft) -> None:
        """Say in the config what is decided."""
        draft.set("restores", self._name, "release", to=True)
        draft.set("restores", self._name, "final-snapshot", to=self._kept)

    @property
    def _is_done(self) -> bool:
        decided = {"release": True, "final-snapshot": self._kept}
        stands = {key: self._stands.get(key) for key in decided}
        return stands == decided and applied(self._session.journal.runs()) == self._session.file.digest

    @cached_property
    def _possible(self) -> bool:
        """Whether the provider removes what holds data in two steps, and this one is removed at all."""
        from stacks.kinds import load
        from stacks.model import PROVIDERS

        if _ONLY_FORGOTTEN & (self._stands.get("from") or {}).keys():
            return False
        provider = self._session.file.config().source.provider
        return "release" in load(PROVIDERS, provider, "settings").Restore.model_fields

    @cached_property
    def _is_made(self) -> bool:
        """Whether the engine knows it, or was killed while it made it; else there is nothing to release."""
        state = self._session.engine.state()
        pending = [one["resource"] for one in state.get("pending_operations") or []]
        known = (state.get("resources") or []) + pending
        return any(one["urn"].endswith(f"::{self._name}") for one in known)
