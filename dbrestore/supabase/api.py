"""Supabase's Management API as far as it changes something: projects of our own, and who may reach them."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network
from typing import ClassVar

from archive.supabase import PROJECT, PROJECTS, READS, Reader, Record
from problem import Problem

WRITES = frozenset(
    {
        f"POST {PROJECTS}",
        f"PATCH {PROJECT}",
        f"DELETE {PROJECT}",
        f"POST {PROJECT}/network-restrictions/apply",
    }
)
"""A new project, another name for it, its end, and its restrictions; no restore, no pause, no query."""


class Api(Reader):
    """The calls of ``Reader`` and those of ``WRITES``."""

    calls: ClassVar[frozenset[str]] = READS | WRITES
    once: ClassVar[frozenset[str]] = frozenset({f"POST {PROJECTS}"})

    def create(self, body: Record) -> None:
        """Ask for a new project. Never repeated blindly: whether it was made shows by its name."""
        self.call(f"POST {PROJECTS}", body=body)

    def rename(self, ref: str, name: str) -> None:
        """Give one of our projects another name."""
        self.call(f"PATCH {PROJECT}", ref, {"name": name})

    def delete(self, ref: str) -> None:
        """End one of our projects. Already gone is not an error."""
        try:
            self.call(f"DELETE {PROJECT}", ref)
        except Problem as problem:
            if problem.name != "supabase-project-missing":
                raise

    def restrict(self, ref: str, networks: Collection[str]) -> None:
        """Let in these networks alone, through the pooler and directly."""
        known = {4: list[str](), 6: list[str]()}
        for network in sorted(networks):
            known[ip_network(network).version].append(network)
        body = {"dbAllowedCidrs": known[4], "dbAllowedCidrsV6": known[6]}
        self.call(f"POST {PROJECT}/network-restrictions/apply", ref, body)
