"""Large objects with owners and rights: of the catalogue, and in no table."""

from __future__ import annotations

from tests.foreign.cluster import Foreign


def before(server: Foreign) -> None:
    server.sql("""
        CREATE TABLE picture (id oid PRIMARY KEY);
        INSERT INTO picture SELECT lo_from_bytea(0, decode(repeat(md5(n::text), 300), 'hex'))
            FROM generate_series(1, 20) AS n;
        SELECT lo_from_bytea(424242, 'known by its number'::bytea);
        COMMENT ON LARGE OBJECT 424242 IS 'nobody refers to it';
        GRANT SELECT ON LARGE OBJECT 424242 TO PUBLIC;
    """)


def after(server: Foreign) -> None:
    server.sql("""
        SELECT lo_put(424242, 6, 'to few');
        SELECT lo_unlink(id) FROM (SELECT id FROM picture ORDER BY id LIMIT 1) AS first;
        DELETE FROM picture WHERE id = (SELECT min(id) FROM picture);
        SELECT lo_from_bytea(424243, 'made in WAL'::bytea);
    """)
