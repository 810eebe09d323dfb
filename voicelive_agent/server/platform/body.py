"""Body of a request: read within a bound, and inflated where it comes compressed."""

import zlib

from starlette.requests import ClientDisconnect, Request

from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import read_headers
from voicelive_agent.server.settings import Settings
from voicelive_agent.settings_sources import variable_of

# zlib's own numbers: 32 finds out whether it is gzip or zlib, the form that "deflate" names.
_WINDOW_BITS = {"gzip": zlib.MAX_WBITS | 32, "x-gzip": zlib.MAX_WBITS | 32, "deflate": 32 + 15}
_IDENTITY = ("", "identity")


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body of a request, inflated (the platform forwards ``content-encoding``).

    Raises ApiError: 413 as soon as it is longer than ``max_bytes``, compressed or not; 415 for a
    coding that is not known; 400 for one that is broken.
    """
    headers = read_headers(request.scope)
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    inflate = _choose_decoder(headers.get("content-encoding", ""))
    body = bytearray()
    received = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        body += inflate.decode(chunk, max_bytes + 1 - len(body))
        if received > max_bytes or len(body) > max_bytes:
            raise _too_large(max_bytes)
    inflate.finish()
    return bytes(body)


def _too_large(max_bytes: int) -> ApiError:
    variable = variable_of(Settings, "max_body_bytes")
    return ApiError(
        413, "body_too_large", f"The body of a turn has at most {max_bytes} bytes ({variable})."
    )


def _choose_decoder(coding: str) -> "_Identity | _Inflate":
    coding = coding.strip().lower()
    if coding in _IDENTITY:
        return _Identity()
    if coding in _WINDOW_BITS:
        return _Inflate(coding)
    raise ApiError(
        415,
        "unsupported_content_encoding",
        "The body has a content-encoding that is not known here: send it as it is, or with gzip"
        " or deflate.",
        headers={"accept-encoding": "gzip, deflate"},
    )


class _Identity:
    """A body as it is."""

    def decode(self, chunk: bytes, limit: int) -> bytes:
        return chunk

    def finish(self) -> None:
        pass


class _Inflate:
    """A body that was compressed; never inflated further than to its limit."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflate = zlib.decompressobj(_WINDOW_BITS[coding])

    def decode(self, chunk: bytes, limit: int) -> bytes:
        """At most ``limit`` bytes; what is beyond them is lost."""
        try:
            return self._inflate.decompress(chunk, limit) if chunk else b""
        except zlib.error:
            raise self._broken() from None

    def finish(self) -> None:
        """The body is over. Raises ApiError where something is missing, or left over."""
        if not self._inflate.eof or self._inflate.unused_data:
            raise self._broken()

    def _broken(self) -> ApiError:
        return ApiError(
            400,
            "invalid_content_encoding",
            f"The body is not valid {self._coding}, as its content-encoding says.",
        )
