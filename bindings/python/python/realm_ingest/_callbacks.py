"""Callbacks: Python functions that the library calls from threads of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from ._calls import exception_of, text_of
from ._native import ffi, lib
from .receipts import Refusal, SyncError

# What the library holds a pointer to, until it says that it has no more use for it, and who hears of that.
_held: dict[Any, Callable[[], None] | None] = {}

Result = TypeVar("Result")

_LEVELS = {1: 5, 2: logging.DEBUG, 4: logging.INFO, 5: logging.WARNING, 6: logging.ERROR}


@ffi.callback("void(void *)")
def release(userdata: Any) -> None:
    """Ends what :func:`give` began."""
    released = _held.pop(userdata, None)
    if released is not None:
        released()


def give(
    call: Callable[..., Result],
    taker: Any,
    *before: Any,
    callback: Any,
    function: Callable[..., Any],
    after: tuple[Any, ...] = (),
    released: Callable[[], None] | None = None,
) -> Result:
    """Gives a function to the library, by ``call`` of a C function that takes a callback with its userdata.

    Args:
        before: The arguments of ``taker`` that come before the callback.
        callback: One of those below, which finds ``function`` by its userdata.
        after: The arguments that come after.
        released: Called when the library has no more use for it, also where it was never called.
    """
    userdata = ffi.new_handle(function)
    _held[userdata] = released
    try:
        return call(taker, *before, callback, userdata, release, *after)
    except (TypeError, OverflowError):
        # An argument is not what C takes, so the library was not called. After any other exception it has it, or has
        # released it.
        del _held[userdata]
        raise


@ffi.callback("void(void *, const realm_ingest_sync_error *)")
def on_sync_error(userdata: Any, error: Any) -> None:
    """Gives a session's error to the function."""
    ffi.from_handle(userdata)(
        SyncError(
            code=lib.realm_ingest_sync_error_code(error),
            name=text_of(lib.realm_ingest_sync_error_name, error),
            message=text_of(lib.realm_ingest_sync_error_message, error),
            link=text_of(lib.realm_ingest_sync_error_link, error),
            is_fatal=lib.realm_ingest_sync_error_is_fatal(error),
            refusals=tuple(
                Refusal(
                    class_name=text_of(lib.realm_ingest_sync_error_refusal_class, error, index),
                    primary_key=text_of(lib.realm_ingest_sync_error_refusal_primary_key, error, index),
                    reason=text_of(lib.realm_ingest_sync_error_refusal_reason, error, index),
                )
                for index in range(lib.realm_ingest_sync_error_refusal_count(error))
            ),
        )
    )


@ffi.callback("void(void *, const realm_ingest_error *)")
def on_waited(userdata: Any, error: Any) -> None:
    """Gives the end of a wait to the function: None, or why what was waited for will not happen."""
    ffi.from_handle(userdata)(None if error == ffi.NULL else exception_of(error))


@ffi.callback("void(void *, double, uint64_t, uint64_t)")
def on_progress(userdata: Any, fraction: float, uploaded: int, waiting: int) -> None:
    """Gives the progress of an upload to the function."""
    ffi.from_handle(userdata)(fraction, uploaded, waiting)


@ffi.callback("void(void *, uint8_t, uint8_t)")
def on_connection_change(userdata: Any, old: int, new: int) -> None:
    """Gives the states of a connection to the function."""
    ffi.from_handle(userdata)(old, new)


@ffi.callback("bool(void *)", error=False)
def may_upload(userdata: Any) -> bool:
    """Asks the function; an exception is a no."""
    return bool(ffi.from_handle(userdata)())


@ffi.callback("void(void *, uint8_t, const char *, size_t)")
def on_log(userdata: Any, level: int, message: Any, length: int) -> None:
    """Gives a line of the log to the function."""
    ffi.from_handle(userdata)(_LEVELS.get(level, logging.ERROR), ffi.unpack(message, length).decode())


def log_to(logger: logging.Logger | None, level: int = logging.INFO) -> None:
    """Sends the library's log of the whole process to ``logger``, from ``level`` on; None ends it."""
    if logger is None:
        lib.realm_ingest_set_log(0, ffi.NULL, ffi.NULL, ffi.NULL)
        return
    lowest = next((ours for ours, theirs in _LEVELS.items() if theirs >= level), max(_LEVELS))
    give(lambda taker, *arguments: taker(*arguments), lib.realm_ingest_set_log, lowest, callback=on_log, function=logger.log)
