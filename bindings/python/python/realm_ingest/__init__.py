"""Streams documents into MongoDB, one way, durably.

What a write returned for is on stable storage and reaches the server exactly once, after any crash or outage.
"""

from ._callbacks import log_to
from ._native import ffi as _ffi
from ._native import lib as _lib
from .app import App, Credentials, User, UserState
from .errors import IngestError, RealmClosed, WaitTimedOut
from .options import Cap, CapPolicy, Durability, Options
from .realm import Realm, Transaction
from .receipts import Outcome, Refusal, State, Status, SyncError
from .schema import asymmetric, embedded

__version__ = _ffi.string(_lib.realm_ingest_version()).decode()

__all__ = [
    "App",
    "Cap",
    "CapPolicy",
    "Credentials",
    "Durability",
    "IngestError",
    "Options",
    "Outcome",
    "Realm",
    "RealmClosed",
    "Refusal",
    "State",
    "Status",
    "SyncError",
    "Transaction",
    "User",
    "UserState",
    "WaitTimedOut",
    "asymmetric",
    "embedded",
    "log_to",
]
