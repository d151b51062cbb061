"""HTTP of the application's own, in place of the library's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._callbacks import give
from ._calls import call, text, text_of
from ._native import ffi, lib


@dataclass(frozen=True)
class Request:
    """What the library wants to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float
    """How long the exchange may take, in seconds. The library gives up then."""


@dataclass(frozen=True)
class Response:
    """What the server has answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    """Without any encoding of the transfer."""


Transport = Callable[[Request], Response]
"""Sends a request; called on threads of the library, several at once. What it raises fails the request, which the library
repeats where it would after a failure of its own."""


def use_transport(config: Any, transport: Transport) -> None:
    """Has everything sent by ``transport``."""
    give(call, lib.realm_ingest_app_config_set_http_callback, config, callback=_on_request, function=transport)


@ffi.callback("void(void *, const realm_ingest_http_request *, realm_ingest_http_answer *)")
def _on_request(userdata: Any, request: Any, answer: Any) -> None:
    try:
        response = ffi.from_handle(userdata)(_request_of(request))
        call(lib.realm_ingest_http_answer_set_status, answer, response.status)
        for name, value in response.headers.items():
            call(lib.realm_ingest_http_answer_add_header, answer, *text(name), *text(value))
        call(lib.realm_ingest_http_answer_set_body, answer, response.body, len(response.body))
    except Exception as failure:
        why = f"{type(failure).__name__}: {failure}".encode(errors="backslashreplace")
        call(lib.realm_ingest_http_answer_set_failure, answer, why, len(why))
    finally:
        lib.realm_ingest_http_answer_send(answer)


def _request_of(request: Any) -> Request:
    length = ffi.new("size_t *")
    body = lib.realm_ingest_http_request_body(request, length)
    return Request(
        method=text_of(lib.realm_ingest_http_request_method, request),
        url=text_of(lib.realm_ingest_http_request_url, request),
        headers={
            text_of(lib.realm_ingest_http_request_header_name, request, index): text_of(
                lib.realm_ingest_http_request_header_value, request, index
            )
            for index in range(lib.realm_ingest_http_request_header_count(request))
        },
        body=bytes(ffi.buffer(body, length[0])) if length[0] else b"",
        timeout=lib.realm_ingest_http_request_timeout_ms(request) / 1000,
    )
