"""Recordings of people, from pocketsphinx's source package: read aloud, and card games."""

import io
import re
import subprocess
import sys
import tarfile
import wave
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

RATE_HZ = 16_000
_TIMEOUT_S = 600


class RecordingsMissing(Exception):
    """The package can't be had; the message says why."""


def find_recordings(cache: Path) -> Iterator[tuple[str, bytes]]:
    """What was said, and PCM16 mono at 16 kHz. Raises RecordingsMissing."""
    archive = next(iter(sorted(cache.glob("pocketsphinx-*.tar.gz"))), None) or _download(cache)
    with tarfile.open(archive) as tar:
        files = {
            str(PurePosixPath(*PurePosixPath(member.name).parts[1:])): member for member in tar
        }

        def read(name: str) -> bytes:
            file = tar.extractfile(files[name])
            if file is None:
                raise RecordingsMissing(f"{archive.name} has no {name} any more")
            return file.read()

        folder = "test/data"
        yield "go forward ten meters", read(f"{folder}/goforward.raw")
        for name in sorted(files):
            if re.fullmatch(rf"{folder}/librivox/.*\d\.txt", name):
                yield read(name).decode().strip(), _read_wav(read(name.replace(".txt", ".wav")))
        for line in read(f"{folder}/cards/cards.transcription").decode().splitlines():
            if said := re.fullmatch(r"(?:<s> )?(.*?)(?: </s>)? ?\((\d+)\)", line.strip()):
                yield said[1], _read_wav(read(f"{folder}/cards/{said[2]}.wav"))


def _download(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-binary", "pocketsphinx", "--dest", str(cache), "pocketsphinx"),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    except (subprocess.SubprocessError, OSError) as error:
        raise RecordingsMissing(
            f"pip can't download pocketsphinx's source package here ({type(error).__name__})"
        ) from error
    return next(iter(sorted(cache.glob("pocketsphinx-*.tar.gz"))))


def _read_wav(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as file:
        if (file.getframerate(), file.getnchannels()) != (RATE_HZ, 1):
            raise RecordingsMissing("the recordings have another format than they used to")
        frames: bytes = file.readframes(file.getnframes())
        return frames
