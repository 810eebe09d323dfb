"""Fetches a file: with progress, resumed where it broke off, and checked before it is used."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those there will be, where that is known."""

ATTEMPTS = 5
_RETRY_DELAY_S = 0.5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class DownloadError(Exception):
    """The file can't be fetched; the message says what to do."""


class ChecksumError(DownloadError):
    """What came is not what was published."""


def download(
    client: httpx.Client,
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    retry_delay_s: float = _RETRY_DELAY_S,
) -> str:
    """Fetch ``url`` to ``target``, which appears only when it is complete; its SHA-256.

    ``target`` with ``.part`` holds what came so far, and the next call goes on from there. Raises
    DownloadError, and OSError for the disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _Partial(target)
    failures = 0
    while True:
        before = partial.size
        try:
            published = _receive(client, url, partial, progress)
            break
        except httpx.HTTPStatusError as error:
            raise DownloadError(
                f"{_shown(url)} answers HTTP {error.response.status_code}: try again later, or "
                "name a mirror in VOICELIVE_EMULATOR_MODELS_URL"
            ) from error
        except (httpx.TransportError, httpx.TooManyRedirects) as error:
            failures = 1 if partial.size > before else failures + 1
            if failures >= ATTEMPTS:
                raise DownloadError(
                    f"{_shown(url)} can't be fetched ({type(error).__name__}): check the network "
                    "and fetch again, which goes on where this ended; or name a mirror in "
                    "VOICELIVE_EMULATOR_MODELS_URL"
                ) from error
            time.sleep(retry_delay_s * failures)
    digest = partial.compute_sha256()
    expected = sha256 or published
    if expected is not None and digest != expected:
        partial.discard()
        raise ChecksumError(
            f"{_shown(url)} has the SHA-256 {digest}, but {expected} was published: nothing was "
            "kept; fetch again, and if it stays so, don't use this source"
        )
    partial.finish()
    return digest


class _Partial:
    """A file that is not complete yet, and what is known of its version."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = target.with_name(target.name + ".part")
        self._about = target.with_name(target.name + ".part.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def read_validator(self, url: str) -> str | None:
        """The entity tag or date of the version that was begun, for ``If-Range``."""
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(about, dict) or about.get("url") != url:
            return None
        validator = about.get("validator")
        return validator if isinstance(validator, str) else None

    def write_validator(self, url: str, validator: str | None) -> None:
        self._about.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def compute_sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self._target)
        self._about.unlink(missing_ok=True)


def _receive(
    client: httpx.Client, url: str, partial: _Partial, progress: Progress | None
) -> str | None:
    """Receive the rest of a file; the checksum that its publisher sends, if any."""
    headers = {"accept-encoding": "identity"}
    have = partial.size
    validator = partial.read_validator(url)
    if have and validator:
        headers |= {"range": f"bytes={have}-", "if-range": validator}
    else:
        have = 0
    with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if response.status_code == 416:
            partial.discard()
            raise httpx.ReadError("the file has changed at its source")
        response.raise_for_status()
        total = _read_length(response.headers)
        if response.status_code == 206:
            match = _RANGE.fullmatch(response.headers.get("content-range", ""))
            if match is None or int(match[1]) != have:
                partial.discard()
                raise httpx.ReadError("the server sends another range than was asked for")
            total = have + total if total is not None else None
        else:
            have = 0
        partial.write_validator(url, _read_validator(response.headers))
        with partial.path.open("ab" if have else "wb") as file:
            # As it comes: what is gathered into larger chunks is lost when the connection breaks.
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
        if total is not None and have != total:
            raise httpx.ReadError("the connection ended before the file")
        answers = [*response.history, response]
        return next(filter(None, (_read_checksum(answer.headers) for answer in answers)), None)


def _read_length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _read_validator(headers: Mapping[str, str]) -> str | None:
    tag = headers.get("etag", "")
    if tag.startswith('"'):  # a weak tag does not promise the same bytes
        return tag
    return headers.get("last-modified")


def _read_checksum(headers: Mapping[str, str]) -> str | None:
    """Hugging Face names the SHA-256 of a large file in the answer that redirects to it."""
    tag = headers.get("x-linked-etag", "").strip('"')
    return tag if _SHA256.fullmatch(tag) else None


def _shown(url: str) -> str:
    """Without what may be a key."""
    return url.split("?", 1)[0]
