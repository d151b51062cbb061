"""How the rest of the package calls the C functions.

Objects of the library end with the Python objects that hold them, so none can go while another thread uses it.
Calls let other threads of Python run while they wait.
"""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Any

from ._native import ffi, lib
from .errors import IngestError, RealmClosed, WaitTimedOut

#: How long the end of the interpreter waits for the library's threads, in milliseconds. What is pending stays in its
#: files, so nothing is lost where it takes longer.
SHUTDOWN_LIMIT_MS = 5_000

_SUBCLASSES = {lib.REALM_INGEST_WAIT_TIMED_OUT: WaitTimedOut, lib.REALM_INGEST_CLOSED_REALM: RealmClosed}

# Objects of the library that Python has.
_live: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


@atexit.register
def _end() -> None:
    """Callbacks come from threads of the library, which must be gone before the interpreter is. Objects that other
    modules hold would be freed after the functions that frees of userdata call, so they are left to the end of the
    process."""
    lib.realm_ingest_shutdown(SHUTDOWN_LIMIT_MS)
    lib.realm_ingest_set_log(0, ffi.NULL, ffi.NULL, ffi.NULL)
    for reference in _live.valuerefs():
        handle = reference()
        if handle is not None:
            ffi.gc(handle, None)


def call(function: Any, *arguments: Any, outputs: tuple[Any, ...] = ()) -> None:
    """Calls a function that can fail. ``arguments`` are those before the place for the error, ``outputs`` those behind.

    Raises:
        IngestError: The function said so.
    """
    error = ffi.new("realm_ingest_error **")
    code = function(*arguments, error, *outputs)
    if code != lib.REALM_INGEST_OK:
        raise exception_of(ffi.gc(error[0], lib.realm_ingest_error_free))


def exception_of(error: Any) -> IngestError:
    """The exception for an error of the library, which stays with its owner."""
    code = lib.realm_ingest_error_code(error)
    return _SUBCLASSES.get(code, IngestError)(
        code,
        text_of(lib.realm_ingest_error_name, error),
        text_of(lib.realm_ingest_error_message, error),
        text_of(lib.realm_ingest_error_link, error),
    )


def made(kind: str, function: Any, *arguments: Any) -> Any:
    """What a function makes, an object of ``realm_ingest_<kind>``, or None where there is none."""
    slot = ffi.new(f"realm_ingest_{kind} **")
    call(function, *arguments, outputs=(slot,))
    if slot[0] == ffi.NULL:
        return None
    handle = ffi.gc(slot[0], getattr(lib, f"realm_ingest_{kind}_free"))
    _live[id(handle)] = handle
    return handle


def owned_text(function: Any, *arguments: Any) -> str:
    """The text that a function gives."""
    return text_of(lib.realm_ingest_text_data, made("text", function, *arguments))


def number(kind: str, function: Any, *arguments: Any) -> Any:
    """The number or truth of this C type that a function gives."""
    slot = ffi.new(f"{kind} *")
    call(function, *arguments, outputs=(slot,))
    return slot[0]


def text(value: str) -> tuple[bytes, int]:
    """Text as the two arguments that C takes for it."""
    encoded = value.encode()
    return encoded, len(encoded)


def encoded_path(value: str | bytes | os.PathLike[Any]) -> tuple[bytes, int]:
    """A path likewise: whatever bytes the system takes."""
    encoded = os.fsencode(value)
    return encoded, len(encoded)


def key(value: bytes | None) -> tuple[Any, int]:
    """An encryption key, or that there is none, as two arguments."""
    return (ffi.NULL, 0) if value is None else (value, len(value))


def milliseconds(seconds: float) -> int:
    """A limit for a wait."""
    return max(0, round(seconds * 1000))


def text_of(function: Any, *arguments: Any) -> str:
    """The text that a function shows of an object; empty where there is none. Paths may hold
    bytes that are not UTF-8, which Python has as surrogates."""
    length = ffi.new("size_t *")
    data = function(*arguments, length)
    return "" if data == ffi.NULL else ffi.unpack(data, length[0]).decode(errors="surrogateescape")
