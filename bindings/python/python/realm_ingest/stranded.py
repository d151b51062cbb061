"""Outboxes with data that no user who is logged in sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._calls import made, text_of
from ._native import lib


@dataclass(frozen=True)
class Stranded:
    """An outbox whose user was logged out, or is not known any more. It is sent once that user logs in, or one who logs in
    in the same way."""

    path: str
    user_id: str
    """Whose data it is; empty where that is not known."""
    principal: str
    """How that user logs in: ``anon-user``, or the provider, a colon and the SHA-256 of the login name; or empty."""
    transactions: int
    documents: int


def stranded_in(app: Any) -> list[Stranded]:
    """Those in an app's folder."""
    found = made("stranded", lib.realm_ingest_app_stranded, app)
    return [
        Stranded(
            path=text_of(lib.realm_ingest_stranded_path, found, index),
            user_id=text_of(lib.realm_ingest_stranded_user_id, found, index),
            principal=text_of(lib.realm_ingest_stranded_principal, found, index),
            transactions=lib.realm_ingest_stranded_transactions(found, index),
            documents=lib.realm_ingest_stranded_documents(found, index),
        )
        for index in range(lib.realm_ingest_stranded_count(found))
    ]
