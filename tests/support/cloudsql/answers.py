"""Errors of the Cloud SQL Admin API, in the form and with the words that it uses."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def document(self) -> Record:
        message = str(self)
        errors = [{"message": message, "domain": "global", "reason": self.reason}]
        return {"error": {"code": self.status, "message": message, "errors": errors}}


def missing_instance() -> Refused:
    return Refused(404, "instanceDoesNotExist", "The Cloud SQL instance does not exist.")


def name_taken() -> Refused:
    message = (
        "The Cloud SQL instance already exists. When you delete an instance, you can't reuse the name of "
        "the deleted instance until one week from the deletion date."
    )
    return Refused(409, "instanceAlreadyExists", message)


def missing_backup() -> Refused:
    return Refused(404, "backupRunDoesNotExist", "The backup run does not exist.")


def protected() -> Refused:
    message = (
        "The instance is protected. Please disable the deletion protection and try again. To disable "
        "deletion protection, update the instance settings with deletionProtectionEnabled set to false."
    )
    return Refused(400, "invalid", message)


def invalid(message: str) -> Refused:
    return Refused(400, "invalid", message)


EXPIRED = Refused(401, "authError", "Request had invalid authentication credentials.")
DENIED = Refused(403, "notAuthorized", "The client is not authorized to make this request.")
THROTTLED = Refused(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'.")
TOO_MANY = Refused(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota).")
NOT_ENABLED = Refused(
    403, "accessNotConfigured", "Cloud SQL Admin API has not been used in project p before."
)
INSTANCE_QUOTA = Refused(
    403,
    "instanceLimitExceeded",
    "Failed to create instance because the project or creator has reached the max instance per "
    "project/creator limit.",
)
