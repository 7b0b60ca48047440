"""What Google's provider says when it fails, as the problems that this room has names for.

It waits and fails by itself, in the engine: its words are all that there is to tell them apart by.
"""

from __future__ import annotations

import re

from problem import Problem


def by_hand(name: str = "NAME", project: str = "PROJECT") -> str:
    """How one is removed that no state knows: a teardown passes it over, as nothing of a cloud is adopted."""
    where = f"{name} --project={project}"
    return (
        f"gcloud sql instances patch {where} --no-deletion-protection, then "
        f"gcloud sql instances delete {where}"
    )


_OTHER = (
    "Take another name: reforge restore OTHER-NAME; what is left of this one: reforge teardown NAME. "
    "Where an instance of that name is still there then, no state knows it. See whose it is "
    "(gcloud sql instances describe NAME --project=PROJECT); "
    f"only if an earlier run of this restore made it: {by_hand()}"
)
_LATER = (
    "See how far it is: gcloud sql operations list --instance=NAME --project=PROJECT; "
    "once it is done: reforge teardown NAME. Where that has ended and a restore that was being made is still "
    f"there, no state knows it: {by_hand()}"
)
_KNOWN: tuple[tuple[str, Problem], ...] = (
    ("instanceAlreadyExists", Problem("cloudsql-name-reserved", "", _OTHER)),
    (
        "timeout while waiting for state to become 'DONE'",
        Problem("cloudsql-operation-unfinished", "", _LATER),
    ),
    (
        "instanceLimitExceeded|max instance per project",
        Problem(
            "cloudsql-quota-reached", "", "Tear down a restore that is not needed, or ask Google for more."
        ),
    ),
    (
        "backupRunDoesNotExist|backup run does not exist",
        Problem("cloudsql-backup-missing", "", "Take another backup; `reforge sources` lists them."),
    ),
    (
        "rateLimitExceeded",
        Problem("gcp-throttled", "", "Wait a minute, then run the same command again."),
    ),
    (
        "Error 401|invalid_grant|token expired",
        Problem("gcp-credentials-expired", "", "Log in anew: gcloud auth application-default login"),
    ),
)
_OURS = re.compile(r"googleapi: |DatabaseInstance|Cloud SQL|oauth2: ")
"""What is in Google's words and in no other provider's."""


def named(text: str) -> Problem | None:
    """The problem that the words of a resource tell of; None for any other words."""
    if not _OURS.search(text):
        return None
    for words, known in _KNOWN:
        if re.search(words, text):
            return Problem(known.name, text, known.cure)
    return None
