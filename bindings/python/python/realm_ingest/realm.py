"""Realms: where documents are written and uploaded from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from functools import partial
from types import TracebackType
from typing import Any

from ._callbacks import give, on_connection_change, on_progress, on_waited
from ._calls import call, made, milliseconds, number, text, text_of
from ._native import ffi, lib
from .errors import IngestError, WaitTimedOut
from .receipts import Outcome, Refusal, State, Status
from .schema import document_of

#: For how long a thread stays in the library at a time, in seconds, so that an interrupt from the keyboard is soon heard.
SLICE = 0.25


class Transaction:
    """Objects that are stored all or not at all; one thread at a time.

    As a context manager it commits at the end, and forgets everything where an exception leaves it.
    """

    def __init__(self, realm: Any) -> None:
        self._handle = made("transaction", lib.realm_ingest_transaction_new, realm)
        self.number: int | None = None
        """The number of the last commit, for ``Realm.state_of`` and the like, also after a restart."""

    def add(self, *objects: Any) -> None:
        """Adds objects of declared classes, in memory until the commit."""
        for value in objects:
            self.add_bson(*document_of(value))

    def add_bson(self, class_name: str, documents: bytes) -> None:
        """Adds one or more BSON documents of one class, back to back."""
        data = ffi.from_buffer(documents)
        call(lib.realm_ingest_transaction_append, self._handle, *text(class_name), data, len(data))

    def add_json(self, class_name: str, document: str) -> None:
        """Adds a document that is a JSON object; what JSON has no type for is Extended JSON."""
        converted = made("bytes", lib.realm_ingest_bson_from_json, *text(document))
        length = ffi.new("size_t *")
        data = lib.realm_ingest_bytes_data(converted, length)
        call(lib.realm_ingest_transaction_append, self._handle, *text(class_name), data, length[0])

    def commit(self) -> int:
        """Stores what was added, all or nothing, and begins anew. It is on stable storage when this returns.

        Returns:
            The number of the transaction, 0 where nothing was added.
        """
        self.number = number("uint64_t", lib.realm_ingest_transaction_commit, self._handle)
        return self.number

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()


class SessionState(IntEnum):
    """What a session is doing."""

    ACTIVE = lib.REALM_INGEST_SESSION_ACTIVE
    """It is connected, or trying to be."""
    DYING = lib.REALM_INGEST_SESSION_DYING
    """Every realm of the path is closed, and what waits is still being uploaded."""
    INACTIVE = lib.REALM_INGEST_SESSION_INACTIVE
    """The user is logged out, it ended, or a fatal error happened, after which it tries again by itself, rarely."""
    WAITING_FOR_ACCESS_TOKEN = lib.REALM_INGEST_SESSION_WAITING_FOR_ACCESS_TOKEN
    PAUSED = lib.REALM_INGEST_SESSION_PAUSED


class ConnectionState(IntEnum):
    """Whether the server answers."""

    DISCONNECTED = lib.REALM_INGEST_CONNECTION_DISCONNECTED
    CONNECTING = lib.REALM_INGEST_CONNECTION_CONNECTING
    CONNECTED = lib.REALM_INGEST_CONNECTION_CONNECTED


class Realm:
    """An open realm. Any thread may use it. As a context manager it is closed at the end.

    Calls after the close raise ``RealmClosed``.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def write(self, *objects: Any) -> int:
        """Stores objects of declared classes in a transaction of their own, and gives its number. They are on stable
        storage when this returns, and uploaded in the background."""
        transaction = self.transaction()
        transaction.add(*objects)
        return transaction.commit()

    def transaction(self) -> Transaction:
        """Begins a transaction; several may be under way at once."""
        return Transaction(self._handle)

    @property
    def pending(self) -> int:
        """How many documents wait to be acknowledged."""
        return int(number("uint64_t", lib.realm_ingest_realm_pending, self._handle))

    def wait_for_upload(self, timeout: float | None = None) -> None:
        """Waits until the server has acknowledged everything committed before the call.

        Args:
            timeout: The limit in seconds; None is without end.

        Raises:
            WaitTimedOut: The limit was reached. The upload goes on.
            IngestError: The realm is closed, the user logged out, or the session met a fatal error.
        """
        ended = threading.Event()
        told: list[IngestError | None] = []
        begin = partial(number, "uint64_t")
        taker = lib.realm_ingest_realm_on_upload
        token = give(begin, taker, self._handle, callback=on_waited, function=told.append, released=ended.set)
        try:
            in_time = ended.wait(timeout)
        finally:
            # Where it has ended, or all that waited did with the library, there is nothing to give up.
            with suppress(IngestError):
                call(lib.realm_ingest_realm_give_up, self._handle, token)
        if not in_time:
            message = "the upload was not complete within the time limit"
            raise WaitTimedOut(lib.REALM_INGEST_WAIT_TIMED_OUT, "WaitTimedOut", message)
        if not told:
            message = "realm-ingest was shut down before the upload was complete"
            raise IngestError(lib.REALM_INGEST_OPERATION_ABORTED, "OperationAborted", message)
        if told[0] is not None:
            raise told[0]

    def state_of(self, transaction: int) -> State:
        """What is known of the transaction of this number, also of an earlier start. Asks no server."""
        return State(number("uint8_t", lib.realm_ingest_realm_state_of, self._handle, transaction))

    def wait_for(self, transaction: int, timeout: float | None = None) -> State:
        """Waits until the state of the transaction is final; gives that of then after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE if deadline is None else deadline - time.monotonic()
            limit = milliseconds(min(left, SLICE))
            state = State(number("uint8_t", lib.realm_ingest_realm_wait_for, self._handle, transaction, limit))
            if state.is_final or (deadline is not None and left <= SLICE):
                return state

    def outcome_of(self, transaction: int) -> Outcome:
        """As ``state_of``, with what was refused."""
        outcome = made("outcome", lib.realm_ingest_realm_outcome_of, self._handle, transaction)
        refusals = (
            Refusal(
                class_name=text_of(lib.realm_ingest_outcome_refusal_class, outcome, index),
                primary_key=text_of(lib.realm_ingest_outcome_refusal_primary_key, outcome, index),
                reason=text_of(lib.realm_ingest_outcome_refusal_reason, outcome, index),
            )
            for index in range(lib.realm_ingest_outcome_refusal_count(outcome))
        )
        return Outcome(
            state=State(lib.realm_ingest_outcome_state(outcome)),
            refusals=tuple(refusals),
            is_complete=lib.realm_ingest_outcome_is_complete(outcome),
        )

    def status(self) -> Status:
        """What waits and how the upload goes. Takes the same time however much waits."""
        found = made("status", lib.realm_ingest_realm_status, self._handle)

        def read(name: str) -> Any:
            return getattr(lib, f"realm_ingest_status_{name}")(found)

        def time(name: str) -> int | None:
            value = read(name)
            return None if value < 0 else value

        return Status(
            waiting_transactions=read("waiting_transactions"),
            waiting_documents=read("waiting_documents"),
            waiting_bytes=read("waiting_bytes"),
            oldest_age_ms=time("oldest_age_ms"),
            last_acknowledged_ms=time("last_acknowledged_ms"),
            dropped_documents=read("dropped_documents"),
            damaged_transactions=read("damaged_transactions"),
            refused_documents=read("refused_documents"),
            sent_documents=read("sent_documents"),
            sent_bytes=read("sent_bytes"),
            error_name=text_of(lib.realm_ingest_status_error_name, found) or None,
            error_message=text_of(lib.realm_ingest_status_error_message, found) or None,
            error_is_current=read("error_is_current"),
        )

    def on_progress(self, function: Callable[[float, int, int], None]) -> Callable[[], None]:
        """Calls ``function`` with the part that is uploaded (0 to 1), the documents that are and those that wait: soon,
        and then at every change, on a thread of the library. Return soon there, and wait for no upload.

        Returns:
            A function that ends it.
        """
        begin = partial(number, "uint64_t")
        token = give(begin, lib.realm_ingest_realm_on_progress, self._handle, callback=on_progress, function=function)
        return lambda: call(lib.realm_ingest_realm_remove_progress, self._handle, token)

    @property
    def session_state(self) -> SessionState:
        """What the session is doing."""
        return SessionState(number("uint8_t", lib.realm_ingest_realm_state, self._handle))

    @property
    def connection_state(self) -> ConnectionState:
        """Whether the server answers."""
        return ConnectionState(number("uint8_t", lib.realm_ingest_realm_connection_state, self._handle))

    def on_connection_change(self, function: Callable[[ConnectionState, ConnectionState], None]) -> Callable[[], None]:
        """Calls ``function`` with the old and the new state at every change, on a thread of the library.

        Returns:
            A function that ends it.
        """

        def told(old: int, new: int) -> None:
            function(ConnectionState(old), ConnectionState(new))

        begin = partial(number, "uint64_t")
        taker = lib.realm_ingest_realm_on_connection_change
        token = give(begin, taker, self._handle, callback=on_connection_change, function=told)
        return lambda: call(lib.realm_ingest_realm_remove_connection_change, self._handle, token)

    def pause(self) -> None:
        """Stops the upload until ``resume``. Writes are kept. Waits that have begun fail."""
        call(lib.realm_ingest_realm_pause, self._handle)

    def resume(self) -> None:
        """Undoes ``pause``."""
        call(lib.realm_ingest_realm_resume, self._handle)

    def reconnect(self) -> None:
        """Ends the pause between two attempts to connect, as when the network is there again."""
        call(lib.realm_ingest_realm_reconnect, self._handle)

    def close(self) -> None:
        """Closes the realm; the second time does nothing. What waits stays in the file and is still uploaded while the
        program runs, or after its next start."""
        call(lib.realm_ingest_realm_close, self._handle)

    def __enter__(self) -> Realm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
