"""The kinds of resource in this room."""

from __future__ import annotations

from dbrestore.supabase.project import Project

HANDLERS = (Project,)
