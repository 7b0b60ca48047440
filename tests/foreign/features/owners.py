"""Tables of a role that cannot log in, names that need quoting, default privileges, row security."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE ROLE keeper NOLOGIN;
        CREATE ROLE "Reader, old" LOGIN PASSWORD 'secret' CONNECTION LIMIT 3;
        GRANT keeper TO "Reader, old" WITH ADMIN OPTION;
        CREATE SCHEMA "Odd Schema" AUTHORIZATION keeper;
        ALTER DEFAULT PRIVILEGES FOR ROLE keeper IN SCHEMA "Odd Schema"
            GRANT SELECT ON TABLES TO "Reader, old";
        SET ROLE keeper;
        CREATE TABLE "Odd Schema"."a ""quoted"" table" ("select" int PRIMARY KEY, "Ünïcode col" text);
        INSERT INTO "Odd Schema"."a ""quoted"" table" VALUES (1, E'tab\\tand\\nline');
        CREATE TABLE "Odd Schema".secrets (tenant text DEFAULT current_user, word text);
        INSERT INTO "Odd Schema".secrets VALUES ('keeper', 'mine'), ('other', 'not mine');
        ALTER TABLE "Odd Schema".secrets ENABLE ROW LEVEL SECURITY;
        ALTER TABLE "Odd Schema".secrets FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON "Odd Schema".secrets USING (tenant = current_user)
            WITH CHECK (tenant = current_user);
        RESET ROLE;
    """)


def after(server: Foreign) -> None:
    server.sql("""
        CREATE POLICY later ON "Odd Schema".secrets AS RESTRICTIVE FOR DELETE USING (word <> 'mine');
        INSERT INTO "Odd Schema".secrets VALUES ('third', 'added in WAL');
        ALTER ROLE keeper SET search_path = "Odd Schema", public;
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    """)
