"""``dbrestore:aws:EventSources``: which event source mappings of a Lambda function are on.

A queue or stream keeps its events while its mapping is off, for as long as its retention allows.
The originals are tags of the mappings while they are not what is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from dbrestore.aws.api import absent, answered, client
from dbrestore.entries.dial import DialHandler, DialInputs, await_or_tell
from dbrestore.entries.place import Held, Place
from dbrestore.handler import Context, State
from problem import Problem

_OTHER = "a writer is one function; declare another writer for another one"
_TAG = "reforge-original"
_ON = {"Creating", "Enabling", "Enabled", "Updating"}


class EventSourcesInputs(DialInputs):
    """``desired`` of the function's event source mappings."""

    function: str = Field(min_length=1)
    region: str | None = None


class Mappings(Place):
    """The mappings that are on, as their ids in order."""

    def __init__(self, context: Context, inputs: EventSourcesInputs) -> None:
        self.context, self.inputs = context, inputs
        self.client: Any = client("lambda", inputs.region)
        self.wrote = False

    @property
    def where(self) -> str:
        return f"the event sources of the function {self.inputs.function}"

    def read(self) -> Held | None:
        found = self._listed()
        on = sorted(one["UUID"] for one in found if one["State"] in _ON)
        return Held(" ".join(on)) if found else None

    def write(self, value: str, over: Held) -> None:
        self.wrote = True
        wanted, now = set(value.split()), set((over.value or "").split())
        self.context.progress(f"{self.inputs.function}: {len(wanted)} of its event sources on")
        with answered(self.where):
            for uuid in sorted(wanted ^ now):
                self._settle()
                self.client.update_event_source_mapping(UUID=uuid, Enabled=uuid in wanted)

    def finish(self) -> None:
        if self.wrote or self.inputs.desired != "all":  # else they are the owner's alone
            self._settle()

    def missing(self) -> Problem:
        return absent(f"event source of the function {self.inputs.function}", self.client.meta.region_name)

    def note(self, original: str) -> None:
        on = set(original.split())
        with answered(self.where):
            for one in self._listed():
                tags = {_TAG: "on" if one["UUID"] in on else "off"}
                self.client.tag_resource(Resource=one["EventSourceMappingArn"], Tags=tags)

    def recall(self) -> str | None:
        with answered(self.where):
            noted = {one["UUID"]: self._tags(one).get(_TAG) for one in self._listed()}
        on = sorted(uuid for uuid, state in noted.items() if state == "on")
        return " ".join(on) if any(noted.values()) else None

    def renewed(self, original: str) -> str:
        """The original as a deploy in the pause left it: without what is gone, with what came and was on."""
        known = set(original.split())
        with answered(self.where):
            found = {one["UUID"]: one for one in self._listed() if one["State"] != "Deleting"}
            came = sorted(uuid for uuid, one in found.items() if uuid not in known and self._was_on(one))
        if came or known - found.keys():
            gone = ", ".join(sorted(known - found.keys())) or "none"
            words = f"removed {gone}; new, and on with the others {', '.join(came) or 'none'}"
            self.context.note(f"{self.inputs.function}, its event sources since the pause: {words}.")
        return " ".join(sorted(known & found.keys() | set(came)))

    def forget(self) -> None:
        with answered(self.where):
            for one in self._listed():
                self.client.untag_resource(Resource=one["EventSourceMappingArn"], TagKeys=[_TAG])

    def _was_on(self, new: Mapping[str, Any]) -> bool:
        """Whether a mapping that came in the pause was on: it gets the tag then, for it may be off soon."""
        tag = self._tags(new).get(_TAG)
        if tag is None and new["State"] in _ON:
            self.client.tag_resource(Resource=new["EventSourceMappingArn"], Tags={_TAG: "on"})
            return True
        return tag == "on"

    def _settle(self) -> None:
        """Wait until no mapping is on its way: AWS refuses to change one that is."""
        what = f"An event source of the function {self.inputs.function} is still being switched."
        late = Problem("sources-not-settled", what, "Run the same command again; it goes on from there.")
        await_or_tell(self.context, self.inputs.timeout, self._is_settled, late)

    def _is_settled(self) -> bool:
        return all(one["State"] in ("Enabled", "Disabled") for one in self._listed())

    def _tags(self, mapping: Mapping[str, Any]) -> dict[str, str]:
        return dict(self.client.list_tags(Resource=mapping["EventSourceMappingArn"]).get("Tags", {}))

    def _listed(self) -> list[dict[str, Any]]:
        with answered(self.where):
            pages = self.client.get_paginator("list_event_source_mappings").paginate(
                FunctionName=self.inputs.function
            )
            return [one for page in pages for one in page["EventSourceMappings"]]


class EventSources(DialHandler):
    """See ``EventSourcesInputs`` and ``DialHandler``."""

    resource_type = "dbrestore:aws:EventSources"
    inputs = EventSourcesInputs
    fixed: ClassVar[Mapping[str, str]] = {"function": _OTHER, "region": _OTHER}

    def place(self, context: Context, inputs: EventSourcesInputs, state: State) -> Mappings:
        return Mappings(context, inputs)

    def update(self, context: Context, identity: str, state: State, inputs: EventSourcesInputs) -> State:
        if not self.rests(state) and (original := state.get("original")) is not None:
            state = {**state, "original": Mappings(context, inputs).renewed(str(original))}
        return super().update(context, identity, state, inputs)

    def identity(self, inputs: EventSourcesInputs) -> str:
        return inputs.function

    def wanted(self, inputs: EventSourcesInputs, original: str | None) -> str:
        ids = (original or "").split()
        return " ".join({"none": [], "canary": ids[:1]}.get(inputs.desired, ids))
