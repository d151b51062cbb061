"""Users, and what they log in with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from ._calls import call, key, made, owned_text, text, text_of
from ._native import lib
from .options import Options
from .realm import Realm
from .receipts import SyncError
from .schema import schema_of


class Credentials:
    """What a user logs in with."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def anonymous(cls) -> Credentials:
        """A new user without a name, or the anonymous one who is logged in already."""
        return cls(made("credentials", lib.realm_ingest_credentials_new_anonymous))

    @classmethod
    def password(cls, email: str, password: str) -> Credentials:
        """A registered e-mail address and its password."""
        return cls(made("credentials", lib.realm_ingest_credentials_new_password, *text(email), *text(password)))

    @classmethod
    def api_key(cls, api_key: str) -> Credentials:
        """A key of a user, or of the app."""
        return cls(made("credentials", lib.realm_ingest_credentials_new_api_key, *text(api_key)))

    @classmethod
    def custom_token(cls, token: str) -> Credentials:
        """A JWT that somebody else has signed whom the app trusts."""
        return cls(made("credentials", lib.realm_ingest_credentials_new_custom_token, *text(token)))

    @classmethod
    def function(cls, payload_json: str) -> Credentials:
        """What the app's own authentication function wants: a JSON object."""
        return cls(made("credentials", lib.realm_ingest_credentials_new_function, *text(payload_json)))

    @classmethod
    def of(cls, provider: str, body_json: str) -> Credentials:
        """Those of any other provider, by its name in URLs (``oauth2-google`` ...) and a JSON object."""
        return cls(made("credentials", lib.realm_ingest_credentials_new, *text(provider), *text(body_json)))


class UserState(IntEnum):
    """What a user can do."""

    LOGGED_OUT = lib.REALM_INGEST_USER_LOGGED_OUT
    LOGGED_IN = lib.REALM_INGEST_USER_LOGGED_IN
    REMOVED = lib.REALM_INGEST_USER_REMOVED


class User:
    """A user who logged in. Any thread may use it."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def id(self) -> str:
        """The server's id of the user."""
        return text_of(lib.realm_ingest_user_id, self._handle)

    @property
    def state(self) -> UserState:
        """What the user can do."""
        return UserState(lib.realm_ingest_user_state(self._handle))

    def log_out(self) -> None:
        """Forgets the tokens. What an anonymous user has not uploaded is lost; what others have not waits for them."""
        call(lib.realm_ingest_user_log_out, self._handle)

    def open(
        self,
        classes: Iterable[type],
        options: Options = Options(),
        on_error: Callable[[SyncError], None] | None = None,
    ) -> Realm:
        """Opens the user's realm for objects of these classes and starts to upload what it holds.

        Args:
            classes: Dataclasses that were declared with ``asymmetric``.
            options: Where it is, how durable, how large, how it uploads.
            on_error: Gets what the session reports, on a thread of the library: return soon, and wait for no upload
                there. Where the realm is open already, its first one stays.

        Raises:
            IngestError: A class is not valid, the file has another key, is open with other options ...
        """
        config = _config(classes, options, on_error)
        return Realm(made("realm", lib.realm_ingest_realm_new, self._handle, config))

    def rekey(self, classes: Iterable[type], options: Options, new_key: bytes | None) -> None:
        """Gives the file of a realm that is not open another key of 64 bytes, or none; that of ``options`` is its present
        one. What waits stays. Takes about as long as copying the file; after a crash, call it again."""
        call(lib.realm_ingest_rekey, self._handle, _config(classes, options, None), *key(new_key))

    def link(self, credentials: Credentials) -> None:
        """Adds another way of logging in. The id stays; an anonymous user is not anonymous any more. Waits for the
        server."""
        call(lib.realm_ingest_user_link, self._handle, credentials._handle)

    def identities(self) -> list[dict[str, str]]:
        """How the user logs in, as the server said last: each has an ``id`` and a ``provider_type``."""
        found: list[dict[str, str]] = json.loads(owned_text(lib.realm_ingest_user_identities, self._handle))
        return found

    def access_token(self) -> str:
        """The JWT that goes with requests; empty after the user has logged out."""
        return owned_text(lib.realm_ingest_user_access_token, self._handle)


def _config(classes: Iterable[type], options: Options, on_error: Callable[[SyncError], None] | None) -> Any:
    config = made("realm_config", lib.realm_ingest_realm_config_new, *text(schema_of(classes)))
    options.apply_to(config, on_error)
    return config
