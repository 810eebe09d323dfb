"""Body of an answer over HTTP: decoded and cut into lines, within limits of time and size.

An agent that is out of order, or hostile, costs its own session its answer and nobody anything
else: what it sends is read in small pieces, inflated in small pieces, and only so long.

Reading line by line is deliberate: Voice Live's documentation prints ``data:`` lines without
the blank lines between them that server-sent events ask for.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx

LINE_BYTES = 4 * 1024 * 1024
"""The longest line that is read; Voice Live's own frames to the client have this limit."""
_PIECE_BYTES = 8 * 1024
"""What is read before others are served: some thousand lines, where they are short."""
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class BodyError(Exception):
    """A body can't be read on; the message says what to send instead."""


class OverdueError(Exception):
    """The answer took longer than ``AnswerLimits.whole_s``."""


class Patience:
    """What is left of the time in which an answer has to come; reading it slowly costs none."""

    def __init__(self, limit_s: float) -> None:
        self._left_s = limit_s

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait for the peer. Raises OverdueError where the time is up."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.timeout(max(self._left_s, 0)) as running:
                yield
        except TimeoutError:
            if running.expired():
                raise OverdueError from None
            raise
        finally:
            self._left_s -= loop.time() - began_s


class AnswerBody:
    """The body of a response that is open."""

    def __init__(self, response: httpx.Response, patience: Patience, limit_bytes: int) -> None:
        self._response = response
        self._patience = patience
        self._limit_bytes = limit_bytes

    async def read_lines(self) -> AsyncGenerator[str, None]:
        """Lines without their ends (LF, CRLF or CR). Raises BodyError, OverdueError, httpx's."""
        buffer = bytearray()
        after_cr = False
        async for piece in self.read_pieces():
            for part in piece.splitlines(keepends=True):
                if after_cr and part == b"\n" and not buffer:
                    after_cr = False
                    continue
                after_cr = part.endswith(b"\r")
                buffer += part
                if len(buffer) > LINE_BYTES:
                    raise BodyError(
                        f"a line is longer than {LINE_BYTES // 1024**2} MiB, which is the most "
                        "that clients of Voice Live take at once: send less in one event"
                    )
                if part.endswith((b"\n", b"\r")):
                    yield _decode(buffer)
                    buffer.clear()
        if buffer:
            yield _decode(buffer)

    async def read_whole(self) -> bytes:
        """All of it. Raises as ``read_lines``."""
        return b"".join([piece async for piece in self.read_pieces()])

    async def read_start(self, limit_bytes: int) -> bytes:
        """So much of it at most. Raises as ``read_lines``."""
        start = bytearray()
        async for piece in self.read_pieces():
            start += piece
            if len(start) >= limit_bytes:
                break
        return bytes(start[:limit_bytes])

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """The decoded body in pieces of bounded size. Raises as ``read_lines``."""
        inflate = _find_inflater(self._response.headers.get("content-encoding", ""))
        chunks = self._response.aiter_raw()
        total = 0
        while True:
            async with self._patience.waiting():
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            for piece in inflate(chunk):
                total += len(piece)
                if total > self._limit_bytes:
                    raise BodyError(
                        f"the answer is longer than {self._limit_bytes} bytes "
                        "(--max-answer-bytes): send less, or raise the limit"
                    )
                yield piece
                # Others are served between the pieces of somebody who sends without a pause.
                await asyncio.sleep(0)


def _find_inflater(coding: str) -> Callable[[bytes], Iterator[bytes]]:
    """What undoes a content coding piece by piece. Raises BodyError.

    None was asked for, but some servers and proxies compress whatever is asked.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        return _slice
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflater(name).inflate
    raise BodyError(
        f"the answer's content-encoding is {coding[:50]!r}, though 'identity' was asked for: send "
        "it uncompressed"
    )


def _slice(chunk: bytes) -> Iterator[bytes]:
    return (chunk[start : start + _PIECE_BYTES] for start in range(0, len(chunk), _PIECE_BYTES))


class _Inflater:
    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def inflate(self, chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        while True:
            try:
                piece = self._stream.decompress(rest, _PIECE_BYTES)
            except zlib.error as error:
                raise BodyError(
                    f"the answer can't be decoded as {self._coding!r} ({error}): send it "
                    "uncompressed"
                ) from None
            if piece:
                yield piece
            rest = self._stream.unconsumed_tail
            if not rest and len(piece) < _PIECE_BYTES:
                return


def _decode(line: bytearray) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise BodyError("a line is not UTF-8, which event streams are in") from None
