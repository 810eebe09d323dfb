"""espeak-ng: small, quick, and in a hundred languages.

Its licence is GPL-3.0-or-later, so it is an extra, and its library is loaded in a process of its
own (``emulator.tts.worker``) and nowhere else. The library comes with the package
``espeakng-loader``, or from the system.
"""

import ctypes
import ctypes.util
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.voices import EngineVoice
from voicelive_agent.emulator.tts.worker import Emit, PhonemeMark, WordMark
from voicelive_agent.wire.voice_live.voices import Gender

INSTALL_HINT = spell_commands(
    "pip install 'voicelive-agent[espeak]' (GPL-3.0-or-later), or apt install espeak-ng"
)
NORMAL_RATE_WPM = 175
PITCH_RANGE = (0.68, 1.66)
"""How far the library's own pitch parameter reaches, measured by fundamental frequency."""
_CHUNK_MS = 20

# Variants of a language's voice; the first are the ones that speech recognition understands best.
_VARIANTS: Mapping[Gender, Sequence[tuple[str, float]]] = {
    "male": (("klatt4", 1.0), ("Reed", 0.92), ("klatt6", 1.0), ("klatt5", 1.0)),
    "female": (("f5", 0.92), ("f2", 0.92)),
}
# Its names of languages, where they are not BCP-47 or say too little.
_LOCALES = {
    "en": "en-GB", "en-us": "en-US", "en-029": "en-JM", "es": "es-ES", "es-419": "es-MX",
    "pt": "pt-PT", "pt-br": "pt-BR", "fr": "fr-FR", "fr-be": "fr-BE", "fr-ch": "fr-CH",
    "cmn": "zh-CN", "yue": "zh-HK",
}  # fmt: skip


def find_library() -> tuple[str, str | None] | None:
    """Paths of the library and of its data (None: its own); None where it is not installed."""
    try:
        import espeakng_loader
    except ImportError:
        library = ctypes.util.find_library("espeak-ng")
        return (library, None) if library else None
    return (
        str(espeakng_loader.get_library_path()),
        str(Path(espeakng_loader.get_data_path()).parent),
    )


def open_tts(*, processes: int = 2) -> LocalTextToSpeech:
    return LocalTextToSpeech(
        "espeak", list_voices, processes=processes, pitch_range=PITCH_RANGE, adds_pauses=True
    )


def list_voices(about: Mapping[str, Any]) -> list[EngineVoice]:
    """A voice for each language and variant; American English first."""
    languages = sorted(about["languages"], key=lambda name: (name != "en-us", name))
    return [
        EngineVoice(
            f"{language}+{variant}",
            _LOCALES.get(language, language),
            gender,
            {"voice": f"{language}+{variant}"},
            rate,
        )
        for language in languages
        for gender in _VARIANTS
        for variant, rate in _VARIANTS[gender]
    ]


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
# From the library's public header.
_SYNCHRONOUS = 2
_PHONEME_EVENTS_IPA_NO_EXIT = 0x1 | 0x2 | 0x8000
_POSITION_IN_CHARACTERS = 1
_UTF8 = 1
_IPA_PHONEMES = 0x02
_EVENT_WORD, _EVENT_PHONEME = 1, 7
# Around a word that is said as in another language: "(en)dˈaʊnləʊd(de)".
_LANGUAGE_MARK = re.compile(r"\([^()]*\)")
_RATE, _PITCH = 1, 3


class EspeakSynthesizer:
    """The library itself; one per process, for its state is global."""

    def __init__(self, library: str, data: str | None) -> None:
        self._library = ctypes.CDLL(library)
        self.sample_rate_hz = self._library.espeak_Initialize(
            _SYNCHRONOUS, _CHUNK_MS, data.encode() if data else None, _PHONEME_EVENTS_IPA_NO_EXIT
        )
        if self.sample_rate_hz <= 0:
            raise RuntimeError(f"libespeak-ng finds no data: {INSTALL_HINT}")
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)
        self._emit: Emit = _ignore
        self._stopped = False
        self._failure: BaseException | None = None

    def describe(self) -> Mapping[str, Any]:
        """``languages``: the names by which their voices are set."""
        found = self._library.espeak_ListVoices(None)
        languages = set()
        for index in range(10_000):
            if not found[index]:
                break
            identifier = found[index].contents.identifier.decode()
            family, _, language = identifier.rpartition("/")
            if family not in ("!v", "mb"):
                languages.add(language.lower())
        return {"languages": sorted(languages)}

    def phonemize(self, text: str, voice: str) -> str:
        """A text in IPA, clause by clause, with its last punctuation mark."""
        self._set_voice(voice)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        clauses = list(self._read_phonemes(text))
        last = text.rstrip()[-1:]
        return ", ".join(filter(None, clauses)) + (last if last in ".,;:!?" else "")

    def _read_phonemes(self, text: str) -> Iterator[str]:
        """The clauses of a text, until the library holds nothing of it any more."""
        encoded = ctypes.c_char_p(text.encode())
        # The library moves the pointer on, and sets it to null once all is read. What it has read
        # and not yet returned would come out with the next text, so it is asked for here.
        position = ctypes.pointer(encoded)
        while True:
            was_read = encoded.value is None
            if was_read:
                encoded.value = b""
            phonemes = self._library.espeak_TextToPhonemes(position, _UTF8, _IPA_PHONEMES)
            found = _LANGUAGE_MARK.sub("", (phonemes or b"").decode("utf-8", "ignore")).strip()
            if was_read and not found:
                return
            yield found

    def _set_voice(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no voice {voice!r}")

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        self._set_voice(settings["voice"])
        rate_wpm = round(NORMAL_RATE_WPM * settings["rate"])
        self._library.espeak_SetParameter(_RATE, min(max(rate_wpm, 80), 450), 0)
        self._library.espeak_SetParameter(_PITCH, _read_pitch(settings["pitch"]), 0)
        self._emit, self._stopped, self._failure = emit, False, None
        self._synthesize(text)
        if self._stopped:
            # What was cut rings on in the library's filters, into whatever comes next.
            self._emit = _ignore
            self._synthesize("a")
        if self._failure is not None:
            raise self._failure

    def _synthesize(self, text: str) -> None:
        encoded = text.encode()
        # Without the SSML flag, markup is read out as text.
        self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, _POSITION_IN_CHARACTERS, 0, _UTF8, None, None
        )

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        """Called by the library; a result of 1 stops it."""
        try:
            words: list[WordMark] = []
            phonemes: list[PhonemeMark] = []
            index = 0
            while (event := events[index]).type:
                if event.type == _EVENT_WORD:
                    words.append((event.text_position - 1, event.audio_position))
                elif event.type == _EVENT_PHONEME:
                    ipa = event.id.string.decode("utf-8", "ignore")
                    phonemes.append((ipa, event.audio_position))
                index += 1
            pcm = ctypes.string_at(samples, count * 2) if samples and count > 0 else b""
            self._stopped = not self._emit(pcm, words, phonemes)
        except BaseException as error:  # an exception can't pass through the library
            self._stopped, self._failure = True, error
        return 1 if self._stopped else 0


def _ignore(
    pcm: bytes, words: Sequence[WordMark] = (), phonemes: Sequence[PhonemeMark] = ()
) -> bool:
    return True


def _read_pitch(factor: float) -> int:
    """The library's pitch parameter, 0 to 99; 50 is normal, each step a fixed ratio."""
    step = 0.01042 if factor > 1 else 0.0078
    return min(max(round(50 + math.log(max(factor, 0.01)) / step), 0), 99)


def open_synthesizer() -> EspeakSynthesizer:
    found = find_library()
    if found is None:
        raise RuntimeError(f"espeak-ng is not installed: {INSTALL_HINT}")
    return EspeakSynthesizer(*found)
