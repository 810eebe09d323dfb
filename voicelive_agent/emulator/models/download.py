"""Download of one file: resumed where it broke off, and checked before it is used.

pooch, which does most of this for other projects, begins every download anew (a model is up to
700 MB) and unpacks archives without a filter on Python 3.11.
"""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those there will be, where that is known."""

ATTEMPTS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class DownloadError(Exception):
    """The file can't be fetched; the message says what to do."""


class ChecksumError(DownloadError):
    """What came is not what was published."""


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    client: httpx.Client,
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    retry_delay_s: float = 0.5,
) -> str:
    """Fetch ``url`` to ``target``, which appears only when it is complete; its SHA-256.

    ``target`` with ``.part`` holds what came so far, and the next call goes on from there. Raises
    DownloadError, and OSError for the disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _Partial(target, url)
    failures = 0
    while True:
        before = partial.size
        try:
            published = _receive(client, partial, progress)
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
    digest = hash_file(partial.path)
    expected = sha256 or published
    if expected not in (None, digest):
        partial.discard()
        raise ChecksumError(
            f"{_shown(url)} has the SHA-256 {digest}, but {expected} was published: nothing was "
            "kept"
        )
    partial.path.replace(target)
    partial.discard()
    return digest


class _Partial:
    """What came of a file so far, and of which version of it that is."""

    def __init__(self, target: Path, url: str) -> None:
        self.url = url
        self.path = target.with_name(target.name + ".part")
        self._version = target.with_name(target.name + ".part.version")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def find_version(self) -> str:
        """What makes sure that the rest is of the same version; empty where nothing does."""
        if not self._version.exists():
            return ""
        url, _, version = self._version.read_text(encoding="utf-8").partition("\n")
        return version if url == self.url else ""

    def keep_version(self, response: httpx.Response) -> None:
        tag = response.headers.get("etag", "")
        # A weak tag does not promise the same bytes.
        version = tag if tag.startswith('"') else response.headers.get("last-modified", "")
        self._version.write_text(f"{self.url}\n{version}", encoding="utf-8")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)


def _receive(client: httpx.Client, partial: _Partial, progress: Progress | None) -> str | None:
    """Receive the rest of a file; the checksum that its publisher sends, if any."""
    headers = {"accept-encoding": "identity"}
    have = partial.size
    if have and (version := partial.find_version()):
        headers |= {"range": f"bytes={have}-", "if-range": version}
    with client.stream("GET", partial.url, headers=headers, follow_redirects=True) as response:
        have = _find_start(response, partial)
        length = response.headers.get("content-length", "")
        total = have + int(length) if length.isdecimal() else None
        partial.keep_version(response)
        with partial.path.open("ab" if have else "wb") as file:
            # As it comes: what is gathered into larger chunks is lost when the connection breaks.
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
        if total is not None and have != total:
            raise httpx.ReadError("the connection ended before the file")
        # Hugging Face names the SHA-256 of a large file in the answer that redirects to it.
        answers = [*response.history, response]
        tags = [answer.headers.get("x-linked-etag", "").strip('"') for answer in answers]
        return next(filter(_SHA256.fullmatch, tags), None)


def _find_start(response: httpx.Response, partial: _Partial) -> int:
    """The offset at which the answer goes on. Raises httpx.HTTPError where it is none."""
    if response.status_code == 416:
        partial.discard()
        raise httpx.ReadError("the file has changed at its source")
    response.raise_for_status()
    if response.status_code != 206:
        return 0
    match = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if match is None or int(match[1]) != partial.size:
        partial.discard()
        raise httpx.ReadError("the server sends another range than was asked for")
    return partial.size


def _shown(url: str) -> str:
    """Without what may be a key."""
    return url.split("?", 1)[0]
