"""StarForge on Supabase: an original with users, hooks on the platform's tables, and a dump of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dbrestore.handler import Context
from dbrestore.supabase.project import Project as Handler
from tests.support.postgres import postgres_tool
from tests.support.servers import folder, run
from tests.support.supabase.management import Management
from tests.support.supabase.shapes import Project

USERS = 200
_SCHEMA = """
    CREATE ROLE app LOGIN; GRANT app TO postgres;
    CREATE ROLE reader;
    CREATE TABLE public.profiles (id serial PRIMARY KEY, user_id uuid REFERENCES auth.users, name text);
    ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.profiles TO authenticated USING (user_id = auth.uid());
    GRANT SELECT ON public.profiles TO reader;
    CREATE SCHEMA shop AUTHORIZATION app;
    CREATE TABLE shop.orders (id bigserial PRIMARY KEY, note text);
    ALTER TABLE shop.orders OWNER TO app;
    CREATE FUNCTION public.greet() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.profiles (user_id, name) VALUES (NEW.id, NEW.email); RETURN NEW; END';
    CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users
        FOR EACH ROW EXECUTE FUNCTION public.greet();
    CREATE POLICY "Avatars are public" ON storage.objects FOR SELECT USING (bucket_id = 'avatars');
    ALTER PUBLICATION supabase_realtime ADD TABLE public.profiles;
    INSERT INTO auth.users (id, email) SELECT gen_random_uuid(), 'u' || i FROM generate_series(1, {users}) i;
    INSERT INTO auth.identities SELECT gen_random_uuid(), id FROM auth.users;
    INSERT INTO auth.refresh_tokens (token) SELECT 't' || i FROM generate_series(1, 30) i;
    INSERT INTO storage.buckets VALUES ('avatars', 'avatars');
    INSERT INTO storage.objects SELECT gen_random_uuid(), 'avatars', 'a' || i FROM generate_series(1, 20) i;
    INSERT INTO shop.orders (note) SELECT 'order ' || i FROM generate_series(1, 500) i;
    INSERT INTO vault.secrets VALUES (1, 'sealed');
"""


@dataclass
class Site:
    """The API, the original, and its dump in each form."""

    api: Management
    place: Path
    source: Project
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, api: Management, place: Path) -> Site:
        site = cls(api, place, api.add("starforge", size="small"))
        site.execute(site.source.ref, _SCHEMA.replace("{users}", str(USERS)))
        return site

    def execute(self, ref: str, text: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL in a project, through the pooler."""
        with psycopg.connect(self.api.url(ref, user), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def clone(self) -> Project:
        """What "Restore to new project" in the dashboard makes of the original as it is now."""
        clone = self.api.add("starforge-clone")
        assert self.api.platform is not None
        self.api.platform.clone(self.source.ref, clone.ref)
        return clone

    def dump(self, form: str = "custom", *options: str) -> Path:
        """pg_dump of the original as it is now."""
        path = folder(self.place / "dumps") / f"{form}{len(list((self.place / 'dumps').iterdir()))}"
        tool = str(postgres_tool("pg_dump"))
        server = self.api.platform.server if self.api.platform else None
        assert server is not None
        url = server.url(self.source.ref).replace("postgres@", "supabase_admin@")
        run([tool, "-F", form, "-f", str(path), "-d", url, *options])
        return path

    def inputs(self, path: Path | None, **changes: Any) -> Any:
        """What a restore is declared with; ``dump``: how it is loaded, beside its path."""
        said = {"place": str(path), "createRoles": True, **changes.pop("dump", {})} if path else None
        known = {
            "name": "before-accident",
            "source": self.source.ref,
            "user": "app",
            "password": "hunter22",
            "operators": ["127.0.0.1/32"],
            **({"dump": said} if said else {}),
        }
        return Handler.inputs.model_validate(known | changes)

    def context(self, told: Callable[[str], None] | None = None) -> Context:
        urn = "urn:pulumi:test::reforge::dbrestore:supabase:Project::before-accident"
        return Context(urn, told or self.lines.append, note=self.notes.append)
