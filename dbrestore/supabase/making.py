"""A new project, from nothing or from where a killed run stopped."""

from __future__ import annotations

from dataclasses import dataclass

from archive.supabase import Record
from dbrestore.handler import Context
from dbrestore.supabase import marks, waiting
from dbrestore.supabase.api import Api
from dbrestore.supabase.filling import admin_password
from dbrestore.supabase.inputs import SIZES, ProjectInputs
from dbrestore.supabase.marks import Mark, ref_of, unfinished
from problem import Problem, Refusal

_FAILED = ("INIT_FAILED", "REMOVED", "RESTORE_FAILED", "PAUSE_FAILED", "INACTIVE")
"""Statuses out of which a project does not come by itself."""


@dataclass(frozen=True)
class Making:
    """One restore's project; ``mark`` is how it is found again."""

    inputs: ProjectInputs
    mark: Mark
    api: Api
    context: Context

    def examine(self) -> None:
        """Whether the original is there, and whether the size is not smaller than its."""
        self._body(self.api.project(self.inputs.model))

    def start(self) -> str:
        """The ref of the project that is to be filled; half a load of an earlier run goes first.

        Refusal ``another-restore`` where a finished one of this name holds another dump.
        """
        projects = self.api.projects()
        for other in self.mark.others(projects):
            if not unfinished(other):
                what = f"Project {ref_of(other)} is a finished restore of this name from something else."
                raise Refusal("another-restore", what, "Give this restore another name.")
            self._clear(other)
        found = self.mark.find(projects)
        if found and self.mark.phase(found) == marks.LOADING:
            self._clear(found)
            found = None
        return ref_of(found) if found else self._create()

    def _clear(self, half: Record) -> None:
        self.context.progress("clearing half-made work of an earlier run")
        self.api.delete(ref_of(half))

    def healthy(self, ref: str) -> Record:
        """The project once its database answers.

        Problem ``supabase-project-failed``, ``supabase-project-down`` where it was finished already, or,
        after the limit, ``supabase-not-healthy``.
        """
        said = ["COMING_UP"]

        def look() -> Record | None:
            project = self.api.project(ref)
            said[0] = project["status"]
            self.context.progress(f"project {ref} is {said[0]}")
            if said[0] in _FAILED:
                if self.mark.phase(project) == marks.READY:
                    raise _down(ref, said[0])
                what = f"Supabase could not make project {ref}: it is {said[0]}."
                raise Problem("supabase-project-failed", what, "Run the same command again: it is made anew.")
            return project if said[0] == "ACTIVE_HEALTHY" and self.api.healthy(ref) else None

        def late() -> Problem:
            return Problem(
                "supabase-not-healthy",
                f"Project {ref} is not healthy after {waiting.HEALTHY_SECONDS:.0f} s.",
                "See https://status.supabase.com; the same command waits on, `reforge teardown` removes it.",
            )

        return waiting.until(look, waiting.HEALTHY_SECONDS, late, self.context)

    def _create(self) -> str:
        body = self._body(self.api.project(self.inputs.model))
        self.context.progress(f"making a project in {body['region']}")
        try:
            self.api.create(body)
        except Problem:
            # A call that failed may have made it all the same, and a second one would make another.
            if self.mark.find(self.api.projects()) is None:
                raise

        def late() -> Problem:
            return Problem(
                "supabase-not-healthy",
                f"Supabase took the order for {self.mark.name}, and the project does not show.",
                "Run the same command again.",
            )

        found = waiting.until(
            lambda: self.mark.find(self.api.projects()), waiting.APPLIED_SECONDS, late, self.context
        )
        return ref_of(found)

    def _body(self, source: Record) -> Record:
        """The order: the original's organization and region, its size or a larger one."""
        body = {
            "name": self.mark.at(marks.MAKING),
            "organization_slug": source.get("organization_slug") or source["organization_id"],
            "region": self.inputs.region or source["region"],
            "db_pass": admin_password(self.inputs),
        }
        size = self._size()
        return body | ({"desired_instance_size": size} if size else {})

    def _size(self) -> str | None:
        known = self.api.size(self.inputs.model)
        asked = self.inputs.size or known
        if asked and known in SIZES and SIZES.index(asked) < SIZES.index(known):
            what = f"The original's compute is {known}; {asked} is smaller."
            raise Refusal(
                "supabase-size-smaller", what, f"Leave `size` out, or give {known} or a larger one."
            )
        return asked


def _down(ref: str, status: str) -> Problem:
    what = f"Project {ref} is a finished restore, and it is {status} now; nothing was changed."
    cure = "Bring it back in the dashboard (Restore project), then run the same command again."
    return Problem("supabase-project-down", what, cure)
