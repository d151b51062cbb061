"""Streams documents into MongoDB, one way, durably.

What a write returned for is on stable storage and reaches the server exactly once, after any crash or outage.
"""

from ._callbacks import log_to
from ._calls import milliseconds
from ._native import ffi as _ffi
from ._native import lib as _lib
from .app import App
from .errors import IngestError, RealmClosed, WaitTimedOut
from .options import Cap, CapPolicy, Durability, Options, StopPolicy
from .realm import ConnectionState, Realm, SessionState, Transaction
from .receipts import Outcome, Refusal, State, Status, SyncError
from .schema import asymmetric, embedded
from .stranded import Stranded
from .transport import Request, Response, Transport
from .users import Credentials, User, UserState


def shutdown(timeout: float) -> bool:
    """Ends the library's work in this process: what is pending stays in its files for the next start, and every call fails
    from then on. The end of the interpreter does it, too.

    Returns:
        Whether all threads of the library have ended within ``timeout`` seconds.
    """
    return bool(_lib.realm_ingest_shutdown(milliseconds(timeout)))


__version__ = _ffi.string(_lib.realm_ingest_version()).decode()

__all__ = [
    "App",
    "Cap",
    "CapPolicy",
    "ConnectionState",
    "Credentials",
    "Durability",
    "IngestError",
    "Options",
    "Outcome",
    "Realm",
    "RealmClosed",
    "Refusal",
    "Request",
    "Response",
    "SessionState",
    "State",
    "Status",
    "StopPolicy",
    "Stranded",
    "SyncError",
    "Transaction",
    "Transport",
    "User",
    "UserState",
    "WaitTimedOut",
    "asymmetric",
    "embedded",
    "log_to",
    "shutdown",
]
