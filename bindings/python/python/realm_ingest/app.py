"""Apps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ._calls import call, encoded_path, key, made, number, text
from ._native import ffi, lib
from .stranded import Stranded, stranded_in
from .transport import Transport, use_transport
from .users import Credentials, User


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
        transport: Sends everything, in place of the library's own HTTP.

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
        transport: Transport | None = None,
    ) -> None:
        config = made("app_config", lib.realm_ingest_app_config_new, *text(app_id))

        if base_url is not None:
            call(lib.realm_ingest_app_config_set_base_url, config, *text(base_url))
        if path is not None:
            call(lib.realm_ingest_app_config_set_path, config, *encoded_path(path))
        for url in fallback_urls:
            call(lib.realm_ingest_app_config_add_fallback_url, config, *text(url))
        for name, value in (headers or {}).items():
            call(lib.realm_ingest_app_config_add_header, config, *text(name), *text(value))
        if proxy is not None:
            call(lib.realm_ingest_app_config_set_proxy, config, *text(proxy))
        if trusted_certificates is not None:
            call(lib.realm_ingest_app_config_set_trusted_certificates, config, *encoded_path(trusted_certificates))
        call(lib.realm_ingest_app_config_set_metadata_encryption_key, config, *key(metadata_encryption_key))
        if transport is not None:
            use_transport(config, transport)
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

    def users(self) -> list[User]:
        """Every user this device knows, in the order in which they first logged in. Asks no server."""
        found = made("users", lib.realm_ingest_app_users, self._handle)
        indices = range(lib.realm_ingest_users_count(found))
        return [User(made("user", lib.realm_ingest_users_get, found, index)) for index in indices]

    def switch_to(self, user: User) -> None:
        """Makes a user who is logged in the current one. Asks no server."""
        call(lib.realm_ingest_app_switch_user, self._handle, user._handle)

    def remove(self, user: User) -> None:
        """Forgets a user, with what was not uploaded; one who is logged in is logged out first, which waits for the
        server. The account at the server stays."""
        call(lib.realm_ingest_app_remove_user, self._handle, user._handle)

    def delete(self, user: User) -> None:
        """Deletes the account of a user who is logged in at the server, and then the user with what was not uploaded."""
        call(lib.realm_ingest_app_delete_user, self._handle, user._handle)

    def stranded(self) -> list[Stranded]:
        """Outboxes in this app's folder with data that no user who is logged in sends."""
        return stranded_in(self._handle)

    def export(self, path: str, destination: str, encryption_key: bytes | None = None) -> int:
        """Writes what waits in the outbox at ``path`` to a new file, a line of Extended JSON a document. The outbox stays
        as it is. Gives the number of documents."""
        where = (*encoded_path(path), *encoded_path(destination), *key(encryption_key))
        return int(number("uint64_t", lib.realm_ingest_app_export, self._handle, *where))

    def rehome(self, path: str, user: User, encryption_key: bytes | None = None) -> None:
        """Has what waits in the outbox at ``path`` go on under this user, whoever's it was."""
        call(lib.realm_ingest_app_rehome, self._handle, *encoded_path(path), user._handle, *key(encryption_key))

    def discard(self, path: str) -> int:
        """Deletes the outbox at ``path`` with everything that waits in it, for good. Gives the number of documents."""
        return int(number("uint64_t", lib.realm_ingest_app_discard, self._handle, *encoded_path(path)))

    def server_time_ms(self) -> tuple[int, int] | None:
        """What the server's clock shows by its answers so far, in milliseconds since 1970, and how far that may be off.
        None before the first answer. Asks no server."""
        known, now, uncertainty = ffi.new("bool *"), ffi.new("int64_t *"), ffi.new("uint64_t *")
        call(lib.realm_ingest_app_server_time, self._handle, outputs=(known, now, uncertainty))
        return (now[0], uncertainty[0]) if known[0] else None
