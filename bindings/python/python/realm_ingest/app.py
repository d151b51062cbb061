"""Apps and their users."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import Any

from ._calls import call, key, made, text, text_of
from ._native import ffi, lib
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
    def of(cls, provider: str, body_json: str) -> Credentials:
        """Those of any provider, by its name in URLs (``custom-function``, ``oauth2-google`` ...) and a JSON object."""
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
        schema = schema_of(classes)
        config = made("realm_config", lib.realm_ingest_realm_config_new, *text(schema))
        options.apply_to(config, on_error)
        return Realm(made("realm", lib.realm_ingest_realm_new, self._handle, config))


class App:
    """An app: its server and its users. Any thread may use it.

    Args:
        app_id: The client app id.
        base_url: Where the server is; without it the environment variable REALM_INGEST_URL says so.
        path: The folder for files, by default the current one.
        fallback_urls: More addresses of the same service, for while one cannot be reached.
        headers: Sent with every request.
        proxy: ``http://[user:password@]host:port``.
        trusted_certificates: A PEM file with certificates to trust beside those of the system.
        metadata_encryption_key: 64 bytes that encrypt the file with users and tokens.

    Raises:
        IngestError: Something of this is not valid.
    """

    def __init__(
        self,
        app_id: str,
        *,
        base_url: str | None = None,
        path: str | os.PathLike[str] | None = None,
        fallback_urls: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        trusted_certificates: str | os.PathLike[str] | None = None,
        metadata_encryption_key: bytes | None = None,
    ) -> None:
        config = made("app_config", lib.realm_ingest_app_config_new, *text(app_id))

        def put(function: Any, *values: str) -> None:
            call(function, config, *(part for value in values for part in text(value)))

        if base_url is not None:
            put(lib.realm_ingest_app_config_set_base_url, base_url)
        if path is not None:
            put(lib.realm_ingest_app_config_set_path, os.fspath(path))
        for url in fallback_urls:
            put(lib.realm_ingest_app_config_add_fallback_url, url)
        for name, value in (headers or {}).items():
            put(lib.realm_ingest_app_config_add_header, name, value)
        if proxy is not None:
            put(lib.realm_ingest_app_config_set_proxy, proxy)
        if trusted_certificates is not None:
            put(lib.realm_ingest_app_config_set_trusted_certificates, os.fspath(trusted_certificates))
        call(lib.realm_ingest_app_config_set_metadata_encryption_key, config, *key(metadata_encryption_key))
        self._handle = made("app", lib.realm_ingest_app_new, config)

    def register(self, email: str, password: str) -> None:
        """Registers an e-mail address with a password. The user still has to log in. Waits for the server."""
        call(lib.realm_ingest_app_register, self._handle, *text(email), *text(password))

    def log_in(self, credentials: Credentials | None = None) -> User:
        """Logs a user in, who becomes the current one; anonymously without credentials. Waits for the server, except
        where an anonymous user is logged in already."""
        chosen = credentials or Credentials.anonymous()
        return User(made("user", lib.realm_ingest_app_login, self._handle, chosen._handle))

    @property
    def current_user(self) -> User | None:
        """Who logged in last and still is logged in, also over restarts. Asks no server."""
        handle = made("user", lib.realm_ingest_app_current_user, self._handle)
        return None if handle is None else User(handle)

    def server_time_ms(self) -> tuple[int, int] | None:
        """What the server's clock shows by its answers so far, in milliseconds since 1970, and how far that may be off.
        None before the first answer. Asks no server."""
        known, now, uncertainty = ffi.new("bool *"), ffi.new("int64_t *"), ffi.new("uint64_t *")
        call(lib.realm_ingest_app_server_time, self._handle, outputs=(known, now, uncertainty))
        return (now[0], uncertainty[0]) if known[0] else None
