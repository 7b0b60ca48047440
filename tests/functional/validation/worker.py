"""A small StarForge ETL worker. ``MODE``: loud (a fatal line), idle, once, crash or leave."""

from __future__ import annotations

import os
import sys
import time

import psycopg

MODE = os.environ.get("MODE", "")
if MODE == "leave":
    sys.exit("nothing to do")
if MODE == "loud":
    print("FATAL: cannot reach the queue", flush=True)
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    while True:
        if MODE != "idle":
            connection.execute("""
                WITH done AS (UPDATE hero_snapshots SET processed_at = now() WHERE processed_at IS NULL
                              RETURNING user_id),
                     counted AS (SELECT user_id, count(*) AS n FROM done GROUP BY user_id)
                INSERT INTO user_profile_summary SELECT user_id, n FROM counted ORDER BY user_id
                ON CONFLICT (user_id) DO UPDATE
                    SET snapshots = user_profile_summary.snapshots + excluded.snapshots""")
        if MODE in ("once", "crash"):
            sys.exit(MODE == "crash")
        time.sleep(0.02)
