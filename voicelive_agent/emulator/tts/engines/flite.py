"""Flite: English voices under a permissive licence, where the system has libflite.

Its library keeps global state, so it runs in a process of its own (``emulator.tts.worker``).
"""

import ctypes
import ctypes.util
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.voices import EngineVoice
from voicelive_agent.emulator.tts.worker import Emit, PhonemeMark, WordMark

INSTALL_HINT = "apt install flite (or libflite1)"
_CHUNK_SAMPLES = 512
_LEAD_MS = 20
_CONTINUE, _STOP = 0, -1

# The default first: the diphone voice is robotic, and the one that is understood best.
_VOICES = (
    EngineVoice("kal16", "en-US", "male", {"voice": "kal16"}),
    EngineVoice("slt", "en-US", "female", {"voice": "slt"}),
    EngineVoice("rms", "en-US", "male", {"voice": "rms"}),
    EngineVoice("awb", "en-GB", "male", {"voice": "awb"}),
)
# Phones of its lexicon (ARPAbet) in IPA; a pause is empty.
_IPA = {
    "pau": "", "aa": "ɑː", "ae": "æ", "ah": "ʌ", "ao": "ɔː", "aw": "aʊ", "ax": "ə", "axr": "ɚ",
    "ay": "aɪ", "b": "b", "ch": "tʃ", "d": "d", "dh": "ð", "dx": "ɾ", "eh": "ɛ", "el": "l",
    "em": "m", "en": "n", "er": "ɝ", "ey": "eɪ", "f": "f", "g": "ɡ", "hh": "h", "hv": "h",
    "ih": "ɪ", "iy": "iː", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ",
    "nx": "n", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t",
    "th": "θ", "uh": "ʊ", "uw": "uː", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}  # fmt: skip


def find_library() -> str | None:
    """The library's name for the loader, where it is installed."""
    return ctypes.util.find_library("flite")


def open_tts(*, processes: int = 2) -> LocalTextToSpeech:
    # An utterance ends with a pause of its own.
    return LocalTextToSpeech("flite", list_voices, processes=processes, adds_pauses=False)


def list_voices(about: Mapping[str, Any]) -> list[EngineVoice]:
    return [voice for voice in _VOICES if voice.name in about["voices"]]


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _StreamingInfo(ctypes.Structure):
    pass


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(_Wave),
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(_StreamingInfo),
)
_StreamingInfo._fields_ = [
    ("min_buffsize", ctypes.c_int),
    ("asc", _Callback),
    ("utt", ctypes.c_void_p),
    ("item", ctypes.c_void_p),
    ("userdata", ctypes.c_void_p),
]


class _VoiceHead(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class FliteSynthesizer:
    """The library itself; one per process, for its state is global."""

    sample_rate_hz = 16_000

    def __init__(self, library: str) -> None:
        self._library = _load(library)
        self._library.flite_init()
        self._callback = _Callback(self._receive)
        self._voices: dict[str, Any] = {}
        for voice in _VOICES:
            if (registered := self._register(voice.name)) is not None:
                self._voices[voice.name] = registered
        if not self._voices:
            raise RuntimeError(f"libflite has none of its voices: {INSTALL_HINT}")
        self._text = ""
        self._emit: Emit | None = None
        self._marked = False
        self._skipped_samples = 0
        self._failure: BaseException | None = None

    def describe(self) -> Mapping[str, Any]:
        return {"voices": list(self._voices)}

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        voice = self._voices[settings["voice"]]
        features = voice.contents.features
        stretch = 1 / min(max(settings["rate"], 0.2), 5)
        self._library.flite_feat_set_float(features, b"duration_stretch", stretch)
        # It knows ASCII alone; one character for each keeps their positions.
        self._text = "".join(_write_ascii(char) for char in text)
        self._emit, self._marked, self._failure = emit, False, None
        if any(char.isalnum() for char in self._text):
            utterance = self._library.flite_synth_text(self._text.encode(), voice)
            if utterance:
                self._library.delete_utterance(utterance)
        if self._failure is not None:
            raise self._failure

    def _register(self, name: str) -> Any:
        try:
            library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
        except OSError:
            return None
        register = getattr(library, f"register_cmu_us_{name}")
        register.restype, register.argtypes = ctypes.POINTER(_VoiceHead), [ctypes.c_char_p]
        voice = register(None)
        info = self._library.new_audio_streaming_info()
        info.contents.min_buffsize = _CHUNK_SAMPLES
        info.contents.asc = self._callback
        value = self._library.audio_streaming_info_val(info)
        self._library.feat_set(voice.contents.features, b"streaming_info", value)
        return voice

    def _receive(self, wave: Any, start: int, size: int, last: int, info: Any) -> int:
        """Called by the library with the samples from ``start`` on; all times are known by then."""
        try:
            words: list[WordMark] = []
            phonemes: list[PhonemeMark] = []
            if not self._marked:
                self._marked = True
                words, phonemes = self._trim(*self._read_marks(info.contents.utt))
            end = start + size
            start = min(max(start, self._skipped_samples), end)
            address = ctypes.addressof(wave.contents.samples.contents) + start * 2
            pcm = ctypes.string_at(address, (end - start) * 2)
            if self._emit is None or not self._emit(pcm, words, phonemes):
                return _STOP
        except BaseException as error:  # an exception can't pass through the library
            self._failure = error
            return _STOP
        return _CONTINUE

    def _trim(
        self, words: list[WordMark], phonemes: list[PhonemeMark]
    ) -> tuple[list[WordMark], list[PhonemeMark]]:
        """Leave out the silence that each utterance begins with: an answer should start at once."""
        sound_ms = next((offset for ipa, offset in phonemes if ipa), 0)
        skipped_ms = max(sound_ms - _LEAD_MS, 0)
        self._skipped_samples = skipped_ms * self.sample_rate_hz // 1000
        return (
            [(start, max(offset - skipped_ms, 0)) for start, offset in words],
            [(ipa, max(offset - skipped_ms, 0)) for ipa, offset in phonemes],
        )

    def _read_marks(self, utterance: int) -> tuple[list[WordMark], list[PhonemeMark]]:
        phonemes: list[PhonemeMark] = []
        begin_ms = 0
        for segment in self._list_items(utterance, b"Segment"):
            name = self._library.item_feat_string(segment, b"name").decode()
            phonemes.append((_IPA.get(name, ""), begin_ms))
            begin_ms = round(self._library.item_feat_float(segment, b"end") * 1000)
        words: list[WordMark] = []
        position = 0
        for token in self._list_items(utterance, b"Token"):
            name = self._library.item_feat_string(token, b"name").decode()
            found = self._text.find(name, position)
            if found < 0:
                continue
            position = found + len(name)
            # The end of the segment before the token's first one; 0 where nothing is said.
            begin = self._library.flite_ffeature_float(token, _TOKEN_BEGIN)
            end = self._library.flite_ffeature_float(token, _TOKEN_END)
            if end > 0:
                words.append((found, round(begin * 1000)))
        return words, phonemes

    def _list_items(self, utterance: int, relation: bytes) -> Sequence[int]:
        if not self._library.utt_relation_present(utterance, relation):
            return []
        items = []
        item = self._library.relation_head(self._library.utt_relation(utterance, relation))
        while item:
            items.append(item)
            item = self._library.item_next(item)
        return items


_QUOTES = str.maketrans("‘’“”–—…", "''\"\"--.")


def _write_ascii(char: str) -> str:
    """The nearest character that the engine can say: "e" for "é", a space for what it can't."""
    char = unicodedata.normalize("NFKD", char.translate(_QUOTES))[:1]
    return char if char.isascii() else " "


_TOKEN_BEGIN = b"R:Token.daughter1.R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_TOKEN_END = b"R:Token.daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end"


def _load(name: str) -> Any:
    library = ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    signatures: Mapping[str, tuple[Any, list[Any]]] = {
        "flite_init": (ctypes.c_int, []),
        "flite_synth_text": (pointer, [text, ctypes.POINTER(_VoiceHead)]),
        "delete_utterance": (None, [pointer]),
        "flite_feat_set_float": (None, [pointer, text, ctypes.c_float]),
        "feat_set": (None, [pointer, text, pointer]),
        "new_audio_streaming_info": (ctypes.POINTER(_StreamingInfo), []),
        "audio_streaming_info_val": (pointer, [ctypes.POINTER(_StreamingInfo)]),
        "utt_relation": (pointer, [pointer, text]),
        "utt_relation_present": (ctypes.c_int, [pointer, text]),
        "relation_head": (pointer, [pointer]),
        "item_next": (pointer, [pointer]),
        "item_feat_string": (text, [pointer, text]),
        "item_feat_float": (ctypes.c_float, [pointer, text]),
        "flite_ffeature_float": (ctypes.c_float, [pointer, text]),
    }
    for function, (result, arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


def open_synthesizer() -> FliteSynthesizer:
    library = find_library()
    if library is None:
        raise RuntimeError(f"flite is not installed: {INSTALL_HINT}")
    return FliteSynthesizer(library)
