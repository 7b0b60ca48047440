"""A real PostgreSQL that keeps the databases of projects, each as a new project of Supabase comes.

As there, ``postgres`` is no superuser, and ``auth``, ``storage`` and ``vault`` are there before any data.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from tests.support.servers import Postgres

KEEPER = "supabase_admin"
_ROLES = """
    CREATE ROLE postgres LOGIN CREATEROLE CREATEDB;
    CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS;
    CREATE ROLE authenticator LOGIN; CREATE ROLE supabase_auth_admin; CREATE ROLE supabase_storage_admin;
    CREATE ROLE dashboard_user;
    GRANT anon, authenticated, service_role TO postgres;
    GRANT SET ON PARAMETER session_replication_role TO postgres;
"""
_NEW = """
    CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, email text UNIQUE, created_at timestamptz DEFAULT now());
    CREATE TABLE auth.identities (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES auth.users);
    CREATE TABLE auth.refresh_tokens (id bigserial PRIMARY KEY, token text);
    CREATE TABLE auth.schema_migrations (version text PRIMARY KEY);
    INSERT INTO auth.schema_migrations VALUES ('{version}');
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
    CREATE SCHEMA storage AUTHORIZATION supabase_storage_admin;
    CREATE TABLE storage.buckets (id text PRIMARY KEY, name text);
    CREATE TABLE storage.objects (id uuid PRIMARY KEY, bucket_id text REFERENCES storage.buckets, name text);
    CREATE TABLE storage.migrations (id int PRIMARY KEY);
    INSERT INTO storage.migrations VALUES ({version});
    ALTER TABLE storage.objects OWNER TO postgres;
    CREATE SCHEMA vault; CREATE TABLE vault.secrets (id int, secret text);
    CREATE SCHEMA extensions;
    CREATE FUNCTION extensions.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.watch();
    CREATE PUBLICATION supabase_realtime;
    ALTER PUBLICATION supabase_realtime OWNER TO postgres;
    GRANT USAGE ON SCHEMA auth, storage, vault, extensions TO postgres;
    GRANT ALL ON ALL TABLES IN SCHEMA auth, storage, vault TO postgres;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA auth TO postgres;
    ALTER SCHEMA public OWNER TO postgres;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon;
"""


@dataclass(frozen=True)
class Platform:
    """The server; a project's database bears its ref."""

    server: Postgres

    def prepare(self) -> Platform:
        """Make the roles that every project has; the server's own superuser becomes the keeper."""
        self.server.execute("CREATE ROLE helper SUPERUSER LOGIN")
        self._as("helper", "postgres", f"ALTER ROLE postgres RENAME TO {KEEPER}")
        self.keep("postgres", _ROLES)
        return self

    def new(self, ref: str, version: int = 1) -> None:
        """The database of a new project."""
        self.keep("postgres", f"CREATE DATABASE {ref} OWNER postgres TEMPLATE template0")
        self.keep(ref, _NEW.replace("{version}", str(version)))

    def clone(self, source: str, ref: str) -> None:
        """Put a copy of a project's database in the place of another's."""
        self.drop(ref)
        self.keep("postgres", f"CREATE DATABASE {ref} OWNER postgres TEMPLATE {source}")

    def drop(self, ref: str) -> None:
        self.keep("postgres", f"DROP DATABASE IF EXISTS {ref} WITH (FORCE)")

    def keep(self, database: str, text: str) -> None:
        """Run SQL as the keeper, who is a superuser."""
        self._as(KEEPER, database, text)

    def _as(self, user: str, database: str, text: str) -> None:
        url = self.server.url(database).replace("postgres@", f"{user}@")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(text.encode())
