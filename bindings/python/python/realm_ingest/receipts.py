"""What became of what was written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ._native import lib


class State(IntEnum):
    """The state of a transaction."""

    PENDING = lib.REALM_INGEST_STATE_PENDING
    """It is in the file, as durable as the realm was opened."""
    SENT = lib.REALM_INGEST_STATE_SENT
    """This process has given it to the network, and there is no answer for it yet."""
    PERSISTED = lib.REALM_INGEST_STATE_PERSISTED
    """The server has stored all of it. Final, as all that follow."""
    REFUSED = lib.REALM_INGEST_STATE_REFUSED
    """The server has refused some or all of its documents for good, and stored the others."""
    DROPPED = lib.REALM_INGEST_STATE_DROPPED
    """It was dropped to stay under the cap."""
    DAMAGED = lib.REALM_INGEST_STATE_DAMAGED
    """It was lost with a damaged file."""
    UNKNOWN = lib.REALM_INGEST_STATE_UNKNOWN
    """The file never gave this number out, or does not know any more what became of it."""

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self not in (State.PENDING, State.SENT)


@dataclass(frozen=True)
class Refusal:
    """A document that the server refused for good."""

    class_name: str
    primary_key: str
    """Its ``_id`` as canonical Extended JSON; ``null`` where it had none that can be read."""
    reason: str
    """In the server's words."""


@dataclass(frozen=True)
class Outcome:
    """What became of a transaction."""

    state: State
    refusals: tuple[Refusal, ...]
    is_complete: bool
    """Whether all refused documents are here, so that all others are stored."""


@dataclass(frozen=True)
class SyncError:
    """What the session of a realm reports."""

    code: int
    name: str
    message: str
    link: str
    is_fatal: bool
    """Whether the session is inactive because of it. It then tries again by itself, rarely; otherwise soon."""
    refusals: tuple[Refusal, ...]
    """The documents this is about, where the server refused some."""


@dataclass(frozen=True)
class Status:
    """How a realm and its upload were when it was asked. Ages and times are by the clock of the device."""

    waiting_transactions: int
    waiting_documents: int
    waiting_bytes: int
    """Before compression."""
    oldest_age_ms: int | None
    """For how long the oldest transaction has waited."""
    last_acknowledged_ms: int | None
    """When the server last answered for transactions, in milliseconds since 1970."""
    dropped_documents: int
    """Those that the cap took since the file was made."""
    damaged_transactions: int
    refused_documents: int
    sent_documents: int
    """Those that the server has answered for since the file was made, refused ones with them."""
    sent_bytes: int
    """As they went over the network."""
    error_name: str | None
    """The error that the session met last in this process."""
    error_message: str | None
    error_is_current: bool
    """Whether the session has not worked since."""
