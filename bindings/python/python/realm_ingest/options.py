"""What a program chooses when it opens a realm."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ._callbacks import give, may_upload, on_sync_error
from ._calls import call, encoded_path, key, text
from ._native import lib
from .receipts import SyncError


class Durability(IntEnum):
    """What a commit that returned has survived."""

    FULL = lib.REALM_INGEST_DURABILITY_FULL
    """The loss of power."""
    RELAXED = lib.REALM_INGEST_DURABILITY_RELAXED
    """The end of the process. The loss of power may take the last moments."""


class CapPolicy(IntEnum):
    """What becomes of a write beyond the cap."""

    FAIL = lib.REALM_INGEST_CAP_FAIL
    """It fails with ``LimitExceeded``."""
    DROP_OLDEST = lib.REALM_INGEST_CAP_DROP_OLDEST
    """The oldest transactions are dropped for it, and those that are too old."""
    DROP_NEWEST = lib.REALM_INGEST_CAP_DROP_NEWEST
    """It succeeds and is dropped."""


class StopPolicy(IntEnum):
    """What a session does after the last close of its realm."""

    IMMEDIATELY = lib.REALM_INGEST_STOP_IMMEDIATELY
    """It stops at once."""
    NEVER = lib.REALM_INGEST_STOP_NEVER
    """It works on while the process lives."""
    AFTER_UPLOAD = lib.REALM_INGEST_STOP_AFTER_UPLOAD
    """It works on until everything is uploaded."""


@dataclass(frozen=True)
class Cap:
    """How much may wait in the file. None is no limit."""

    max_bytes: int | None = None
    """As they are stored."""
    max_documents: int | None = None
    max_age_ms: int | None = None
    """Since the oldest was written, by the clock of the device."""
    policy: CapPolicy = CapPolicy.FAIL


@dataclass(frozen=True)
class Options:
    """How a realm is opened."""

    path: str | bytes | os.PathLike[str] | None = None
    """A file of its own, in a folder that exists, in place of the user's default one."""
    encryption_key: bytes | None = None
    """64 bytes. A new file gets the key; one that is there has to have it."""
    durability: Durability = Durability.FULL
    cap: Cap = Cap()
    urgent_classes: tuple[type, ...] = ()
    """Their objects overtake those of other classes."""
    batch_delay_ms: int = 0
    """How long the first transaction that waits is kept for more to come."""
    bytes_per_second: int | None = None
    """The most bytes of requests a second, over a while. None is no limit."""
    may_upload: Callable[[], bool] | None = None
    """Asked before each connection and each batch whether the network may be used now, on a thread of the library."""
    ask_again_ms: int = 60_000
    """How long a no of ``may_upload`` counts."""
    stop_policy: StopPolicy = StopPolicy.AFTER_UPLOAD
    upload_windows: tuple[tuple[int, int], ...] = ()
    """Times of the day in which uploads are allowed: from and to, in minutes since midnight of local time."""

    def apply_to(self, config: Any, on_error: Callable[[SyncError], None] | None) -> None:
        """Writes these options into a configuration of the library."""
        if self.path is not None:
            call(lib.realm_ingest_realm_config_set_path, config, *encoded_path(self.path))
        call(lib.realm_ingest_realm_config_set_encryption_key, config, *key(self.encryption_key))
        call(lib.realm_ingest_realm_config_set_durability, config, self.durability)
        limits = (self.cap.max_bytes, self.cap.max_documents, self.cap.max_age_ms)
        call(lib.realm_ingest_realm_config_set_cap, config, *map(_limit, limits), self.cap.policy)
        for kind in self.urgent_classes:
            call(lib.realm_ingest_realm_config_add_urgent_class, config, *text(kind.__name__))
        call(lib.realm_ingest_realm_config_set_batch_delay, config, self.batch_delay_ms)
        call(lib.realm_ingest_realm_config_set_bytes_per_second, config, _limit(self.bytes_per_second))
        call(lib.realm_ingest_realm_config_set_stop_policy, config, self.stop_policy)
        for start, end in self.upload_windows:
            call(lib.realm_ingest_realm_config_add_upload_window, config, start, end)
        if self.may_upload is not None:
            taker = lib.realm_ingest_realm_config_set_may_upload_callback
            give(call, taker, config, callback=may_upload, function=self.may_upload, after=(self.ask_again_ms,))
        if on_error is not None:
            taker = lib.realm_ingest_realm_config_set_error_callback
            give(call, taker, config, callback=on_sync_error, function=on_error)


def _limit(value: int | None) -> int:
    return lib.REALM_INGEST_NO_LIMIT if value is None else value
