"""The objects of a database that have an owner and rights, as one SQL table for the aspects that need it."""

from __future__ import annotations

OBJECTS = r"""
    objects(kind, object, owner, acl) AS (
        SELECT 'schema', quote_ident(nspname), nspowner, coalesce(nspacl, acldefault('n', nspowner))
        FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
               quote_ident(nspname) || '.' || quote_ident(relname), relowner,
               coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
              AND nspname !~ '^pg_' AND nspname <> 'information_schema'
        UNION ALL
        SELECT CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
               quote_ident(nspname) || '.' || quote_ident(proname)
                   || '(' || pg_get_function_identity_arguments(p.oid) || ')',
               proowner, coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        UNION ALL
        SELECT CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END,
               quote_ident(nspname) || '.' || quote_ident(typname), typowner,
               coalesce(typacl, acldefault('T', typowner))
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND typcategory <> 'A'
              AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
        UNION ALL
        SELECT 'language', quote_ident(lanname), lanowner, coalesce(lanacl, acldefault('l', lanowner))
        FROM pg_language WHERE lanpltrusted
        UNION ALL
        SELECT 'foreign server', quote_ident(srvname), srvowner, coalesce(srvacl, acldefault('S', srvowner))
        FROM pg_foreign_server)"""
"""A common table expression. Names are quoted and qualified; rights by default stand there like others."""
