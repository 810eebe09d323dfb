"""Sounds in which nobody says an English sentence, and short words of people: clips with a source.

Real sounds come out of pinned Debian packages: shouts, groans, coughs and laughs of four games
(hedgewars, wesnoth and flare, GPL, the first in five languages; teeworlds, CC-BY-SA), an
instrument's, a telephone's and two desktops' signals (sonic-pi, linphone, freedesktop, oxygen),
dialogues in Czech and Dutch (fillets-ng, GPL), telephone prompts in Spanish, French and Italian,
what people name in two children's games (ktuberling, klettres, GPL), and a person's digits. Of the
sources in ``HELD_OUT`` no clip was heard when the bounds of ``emulator.stt.moonshine`` were chosen.
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import soxr

from benchmarks.recordings import FOREIGN, RATE_HZ, Package, Recordings, RecordingsMissing, decode
from benchmarks.spoken import RATE_HZ as HIBARI_RATE_HZ
from benchmarks.spoken import synthesise
from benchmarks.voices import noises, say

LONGEST_S = 8
BACKCHANNELS = (
    "uh huh", "hmm", "mhm", "mm", "um", "uh", "ah", "oh", "aha", "huh", "mm-hmm", "hm",
)  # fmt: skip
"""As texts: flite and espeak-ng spell five and four of them ("M H M")."""
HUMS = {
    "flite": ("m", "hh ah m", "m hh m", "m m hh m m"),
    "espeak-ng": ("m:", "h@m", "m'hm", "m:h'm:"),
}
"""The same as phones, which no engine spells."""
VOICES = ("hibari:heart", "hibari:heart-bright", "hibari:heart-deep", "kal16", "slt", "rms", "awb")
OTHER_VOICES = (
    "en-us+f3", "en-gb+m3", "en-us+m7", "en-gb-scotland+f4",
    "en-gb+m1", "en-029+f3", "en-us+Andrea", "en-gb-scotland+f2",
)  # fmt: skip
_NO_WORDS = ("aw", "ch", "th")
SHORT_WORDS = ("yes", "no", "okay", "stop", "seven", "bye", "hello", "goodbye", "today", "left")
HELD_OUT = (
    *OTHER_VOICES, "oxygen-sounds", "teeworlds-data", "fillets-ng-data-nl",
    "asterisk-prompt-it-menardi-wav", "digits", "klettres:en_GB", "flare-game",
)  # fmt: skip
_GROANS = re.compile(r"(Jump|Ooff|Ow|Laugh|PoisonCough|PoisonMoan|Hmm)\d*")
_HURT = re.compile(r"[-_](hit|die|critdie|phys|ment)\b")
"""Who is hit or dies: people, and beasts that people gave a voice."""
_TALKERS = ("Robot", "Singer", "Surfer", "Pirate", "Mobster", "HillBilly")
"""They say words where others groan."""
_TONES_HZ = (350, 425, 440, 697, 1000, 1336)

_EVERYDAY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy
eighty ninety hundred thousand monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december
today tomorrow yesterday first second third fourth fifth sixth seventh eighth ninth
tenth goodbye cancelled hours minutes number time
"""
"""Words that people say alone, of those among the prompts."""

T = TypeVar("T")


def _deb(name: str, version: str, sha256: str) -> Package:
    return Package("deb", name, version, sha256)


GAME = _deb(
    "hedgewars-data", "1.0.2-6",
    "722225903a72604403e6e0026e40e9a6953f47a74d94efc5f55504bc05bb4761",
)  # fmt: skip
NAMES = _deb(
    "ktuberling-data", "4:22.12.3-1",
    "fba44c875bfa31ea488dadd9263e87a4dcaea0bd47d28817f6c0dc6d2af970ed",
)  # fmt: skip
LETTERS = _deb(
    "klettres-data", "4:22.12.3-1",
    "1186d257a19e84230856baea0b0b1ded8be9195080fcdb2588970b5cd937f5a8",
)  # fmt: skip
FIGHTS = _deb(
    "wesnoth-1.16-data", "1:1.16.9-1",
    "1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26",
)  # fmt: skip
OTHER_FIGHTS = _deb(
    "flare-game", "1.14-1",
    "4ab6a8298276013d35a0806257e130d992761af1b749041433b409c3dafec508",
)  # fmt: skip
SHOUTS = _deb(
    "teeworlds-data", "0.7.5-2",
    "b8672bba1a74d0fee98241766b1415f92545f45cbccff3ea6fbca8bde2dfe2a4",
)  # fmt: skip
SIGNALS = (
    _deb("oxygen-sounds", "4:5.27.5-2",
         "2230772aea70fb6508a38eeb8fb29f56357d9e00751477fe1954057c41541960"),
    _deb("sonic-pi-samples", "3.2.2~repack-8",
         "25f2312d2fae005e6ad0f4726b8ed3084e776006a5a132083506e960224ac79d"),
    _deb("linphone-common", "5.1.65-4",
         "4d6fa3b4401a7f320387351241a917b9945f8afbe342ab8bbf5ac8cec4713bfa"),
    _deb("sound-theme-freedesktop", "0.8-2",
         "135cc4893ba590d428577bc3bf42df756a165c05a2a43f84311ad7db779a70ea"),
)  # fmt: skip
TALK = (
    _deb("fillets-ng-data-nl", "1.0.1-1.1",
         "afb4443fda9ab507dee578b75be857d121718a1cd6017a474f30e0eb13dc9d10"),
    _deb("asterisk-prompt-it-menardi-wav", "1:1.4.22+mm20110907-3.1",
         "3094530d98f8758ac275572d59624c41f60969fef883f34f4886d144f3dfeb21"),
    _deb("fillets-ng-data-cs", "1.0.1-1.1",
         "3ecef99b9456f1c80c9625c6f2418642b52d58e7167a46bad7a412db17991b14"),
    _deb("asterisk-prompt-es-co", "0.20070403-2.1",
         "6702696e045514699e87dc8fb70f370717e5df91f821f7bec8dd0df1be008e83"),
    _deb("asterisk-prompt-fr-armelle", "20070613-2.2",
         "162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound: ``kind`` is noise, murmur, foreign, word or noun; PCM16 mono at 16 kHz.

    A word is what people answer with; a noun, a letter too, is what they seldom say alone.
    """

    kind: str
    source: str
    said: str
    pcm: bytes

    @property
    def is_held_out(self) -> bool:
        return self.source in HELD_OUT

    @property
    def is_said(self) -> bool:
        """Whether somebody says something in English."""
        return self.kind in ("word", "noun")


def list_clips(recordings: Recordings) -> Iterator[Clip]:
    """All clips; of a package that can't be had, it is said why."""
    for read in (_noises, _tones, _music, _signals, _groans, _backchannels, _foreign, _words):
        try:
            yield from read(recordings)
        except RecordingsMissing as error:
            print(f"  left out: {error}")


def pick(items: Iterable[T], count: int) -> list[T]:
    """Some of them, always the same."""
    chosen = list(items)
    random.Random(1).shuffle(chosen)
    return chosen[:count]


def read_sound(path: Path) -> bytes:
    """A file's beginning as PCM16 at 16 kHz."""
    if path.suffix in (".gsm", ".wv"):
        resampler = av.AudioResampler("s16", "mono", RATE_HZ)
        with av.open(str(path)) as file:
            frames = [
                piece.to_ndarray()[0]
                for frame in file.decode(audio=0)
                for piece in resampler.resample(frame)
            ]
        pcm = np.concatenate(frames).astype("<i2").tobytes()
    else:
        pcm = decode(path.read_bytes())
    return bytes(pcm[: LONGEST_S * RATE_HZ * 2])


def _noises(recordings: Recordings) -> Iterator[Clip]:
    for name, pcm in noises(40).items():
        for second in range(0, 40, 5):
            yield Clip("noise", name, "", pcm[second * RATE_HZ * 2 : (second + 4) * RATE_HZ * 2])
    for level in (0, 3, 30, 300, 3000):
        hiss = np.random.default_rng(level).normal(0, level, RATE_HZ * 3)
        yield Clip("noise", "white", "", np.clip(hiss, -32768, 32767).astype("<i2").tobytes())


def _tones(recordings: Recordings) -> Iterator[Clip]:
    times = np.arange(RATE_HZ * 4) / RATE_HZ
    for hertz in _TONES_HZ:
        tone = 5000 * np.sin(2 * np.pi * hertz * times) * ((times % 2) < 1)
        yield Clip("noise", "tone on hold", "", tone.astype("<i2").tobytes())


def _music(recordings: Recordings) -> Iterator[Clip]:
    for pcm in recordings.music():
        for second in (5, 30, 60, 90):
            piece = pcm[second * RATE_HZ * 2 : (second + 5) * RATE_HZ * 2]
            if piece:
                yield Clip("noise", "music", "", piece)


def _signals(recordings: Recordings) -> Iterator[Clip]:
    for package in SIGNALS:
        for path in pick(recordings.list_files(package), 40):
            if not path.stem.startswith(("audio-channel", "hello")):
                yield Clip("noise", package.name, "", read_sound(path))


def _groans(recordings: Recordings) -> Iterator[Clip]:
    for path in recordings.list_files(GAME):
        voice, is_voice = path.parent.name, path.parent.parent.name == "voices"
        if is_voice and voice not in _TALKERS and _GROANS.fullmatch(path.stem):
            yield Clip("murmur", f"hedgewars:{voice}", path.stem, read_sound(path))
    for path in recordings.list_files(SHOUTS):
        kind = "murmur" if path.stem.startswith("vo_") else "noise"
        if not path.stem.startswith("music"):
            yield Clip(kind, SHOUTS.name, path.stem, read_sound(path))
    for package in (FIGHTS, OTHER_FIGHTS):
        for path in recordings.list_files(package):
            if path.parent.name in ("sounds", "soundfx", "enemies") and _HURT.search(path.stem):
                yield Clip("murmur", package.name, path.stem, read_sound(path))


def _backchannels(recordings: Recordings) -> Iterator[Clip]:
    for voice in (*VOICES, *OTHER_VOICES):
        for text in BACKCHANNELS:
            yield Clip("murmur", voice, text, _speak(text, voice))
        engine = "espeak-ng" if "+" in voice else "flite"
        for phones in () if ":" in voice else HUMS[engine]:
            yield Clip("murmur", voice, phones, _speak(f"[[{phones}]]", voice))


def _foreign(recordings: Recordings) -> Iterator[Clip]:
    for language in FOREIGN:
        for pcm in pick(recordings.foreign(language), 25):
            yield Clip("foreign", language, "", pcm[: LONGEST_S * RATE_HZ * 2])
    for package in TALK:
        files = [path for path in recordings.list_files(package) if _is_sentence(path)]
        for path in pick(files, 40):
            yield Clip("foreign", package.name, "", read_sound(path))


def _is_sentence(path: Path) -> bool:
    return path.stat().st_size > {".gsm": 5000, ".ogg": 22_000, ".wav": 48_000}[path.suffix]


def _words(recordings: Recordings) -> Iterator[Clip]:
    for said, pcm in recordings.words():
        if said.strip(".!").lower() in _EVERYDAY.split():
            yield Clip("word", "prompts", said, pcm)
    for path in recordings.list_files(GAME):
        said = {"Byebye": "bye bye", "Hello": "hello"}.get(path.stem, "")
        if said and path.parent.name in ("Default", "British", "Classic"):
            yield Clip("word", f"hedgewars:{path.parent.name}", said, read_sound(path))
    for said, pcm in recordings.digits():
        yield Clip("word", "digits", said, pcm)
    for path in recordings.list_files(NAMES):
        if path.parent.name == "en":
            yield Clip("noun", NAMES.name, path.stem.rpartition("_")[2], read_sound(path))
    for path in recordings.list_files(LETTERS):
        language, said = path.parent.parent.name, path.stem.lower()
        if language in ("en", "en_GB") and said not in _NO_WORDS:
            kind = "word" if said in SHORT_WORDS else "noun"
            yield Clip(kind, f"klettres:{language}", said, read_sound(path))
    for voice in (*VOICES, *OTHER_VOICES):
        for said in SHORT_WORDS:
            yield Clip("word", voice, said, _speak(said, voice))


def _speak(text: str, voice: str) -> bytes:
    engine, _, name = voice.partition(":")
    if engine != "hibari":
        return say(text, voice)
    samples = np.frombuffer(synthesise(text.capitalize() + ".", name), "<i2")
    return bytes(soxr.resample(samples, HIBARI_RATE_HZ, RATE_HZ).astype("<i2").tobytes())
