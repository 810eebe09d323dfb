"""A publisher of models that misbehaves as it is told."""

import hashlib
from http.server import BaseHTTPRequestHandler
from typing import Any

from voicelive_agent.emulator.models.catalogue import Model, RemoteFile, Wheel

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Source:
    """What the server sends, and how it misbehaves."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/file.bin": CONTENT}
        self.etag: str | None = '"v1"'
        self.cut_after: list[int] = []
        """Bytes after which each of the next answers breaks off."""
        self.statuses: list[int] = []
        """Statuses of the next answers."""
        self.ignores_ranges = False
        self.wrong_range = False
        self.linked_etag: str | None = None
        self.sends_length = True
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    source: Source
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        source = self.source
        wanted, condition = self.headers.get("range"), self.headers.get("if-range")
        source.requests.append((self.path, wanted, condition))
        if source.statuses:
            return self._send(source.statuses.pop(0), b"no")
        if source.linked_etag and not self.path.startswith("/cdn"):
            return self._send(
                302, b"", {"location": f"/cdn{self.path}", "x-linked-etag": source.linked_etag}
            )
        content = source.files.get(self.path.removeprefix("/cdn"))
        if content is None:
            return self._send(404, b"no")
        headers = {"etag": source.etag} if source.etag else {}
        start = 0
        if wanted and condition == source.etag and not source.ignores_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self._send(416, b"")
        if not start:
            return self._send(200, content, headers)
        told = start + 1 if source.wrong_range else start
        headers["content-range"] = f"bytes {told}-{len(content) - 1}/{len(content)}"
        return self._send(206, content[start:], headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.source.sends_length or status != 200:
            self.send_header("content-length", str(len(body)))
        else:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.source.cut_after and status in (200, 206):
            body = body[: self.source.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)
        self.wfile.flush()


def model(*files: RemoteFile | Wheel, size_mb: int = 1) -> Model:
    return Model("test", "tts", "sherpa-onnx", "a test", "MIT", size_mb, files)
