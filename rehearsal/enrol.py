"""Makes a site known to Reforge: ``reforge init`` with everything that the site's config names."""

from __future__ import annotations

from typing import Any

from rehearsal.driver import Answer, Driver
from rehearsal.site import Site

_FOLDERS = ("instance", "backups", "archive", "directory", "data-directory")


def enrol(site: Site, reforge: Driver) -> Answer:
    """Initialise the driver's project for the site; its secrets go through the environment."""
    config = site.config()
    words = [word for name in _FOLDERS for word in (f"--{name}", config["source"][name])]
    secrets = {"REFORGE_SOURCE_URL": config["source-url"]}
    for endpoint in config["endpoints"]:
        if "pgbouncer" in endpoint:
            secrets["REFORGE_PGBOUNCER_ADMIN"] = endpoint["pgbouncer"]["admin"]
        else:
            words += ["--env-file", _joined(endpoint["env-file"], "path", ":", "key")]
    for writer in config["writers"]:
        if "supervisor" in writer:
            words += ["--supervisor", _joined(writer["supervisor"], "server", "#", "group")]
        else:
            words += ["--flag", _joined(writer["flag"], "file", ":", "key")]
    return reforge.run("init", "--yes", *words, "--suite", config["suite"], secrets=secrets)


def _joined(settings: dict[str, Any], first: str, sign: str, second: str) -> str:
    return f"{settings[first]}{sign}{settings[second]}"
