"""Where the cluster's own files are."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.providers.local.discovery.report import Found, Unseen
from stacks.providers.local.discovery.scene import Scene

WHAT, OPTION = "data directory", "--data-directory FOLDER"


def look(scene: Scene) -> Iterator[Found | Unseen]:
    """By SHOW data_directory, else by the running servers; held against pg_control's system identifier."""
    folder, said = scene.data_directory, scene.clues.settings.get("data_directory")
    if folder is not None:
        by = "SHOW data_directory" if said else "a running server's command line"
        proof = "same system identifier" if scene.clues.system_identifier else "same port"
        yield Found(
            WHAT,
            str(folder),
            f"{by}; {proof}",
            f"--data-directory {folder}",
            {"data-directory": str(folder)},
        )
    elif folder := scene.unreadable_data_directory:
        evidence = "SHOW data_directory; its files are not for this account to read"
        yield Found(
            WHAT, str(folder), evidence, f"--data-directory {folder}", {"data-directory": str(folder)}
        )
    elif said:
        yield Unseen(
            WHAT,
            f"the server says {said}, which is not its folder on this machine",
            f"run this where the server runs, as its account: --data-directory {said}; or leave it out",
        )
    else:
        yield Unseen(WHAT, _why(scene), f"{OPTION}, or a URL of a role in pg_read_all_settings")


def _why(scene: Scene) -> str:
    if scene.clues.error:
        return "the server does not answer"
    running = ", ".join(f"{folder} (pid {process.pid})" for process, folder in scene.postmasters)
    here = f"servers run here in {running}, none of which is known to be this one" if running else ""
    return f"{scene.clues.user} may not see the setting, and " + (here or "no server's process is seen here")
