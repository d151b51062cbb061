"""Why calls fail."""

from __future__ import annotations


class IngestError(Exception):
    """A call of the library failed.

    Attributes:
        code: The number, one of the REALM_INGEST_ constants of the C header.
        name: The code's name, such as ``InvalidPassword``.
        message: What happened, for people.
        link: Where the server logged it, or empty.
    """

    def __init__(self, code: int, name: str, message: str, link: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.link = link

    def __str__(self) -> str:
        return f"{self.message} ({self.name})"


class WaitTimedOut(IngestError, TimeoutError):
    """What was waited for did not happen within the caller's limit. The upload goes on."""


class RealmClosed(IngestError):
    """The realm has been closed."""
