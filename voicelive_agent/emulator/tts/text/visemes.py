"""Visemes of phonemes: mouth shapes by the ids of Azure Speech (how-to-speech-synthesis-viseme)."""

from collections.abc import Iterable

from voicelive_agent.emulator.tts import Viseme

SILENCE = 0
WORD_GAP = " "
"""A phoneme mark between two words of one breath: a word ends, and the mouth does not close."""

_PHONEMES_OF_VISEME = {
    1: "æ ə ʌ ɐ ᵻ ɜ a ä ɘ ɤ ɨ",
    2: "ɑ aː ɑː ɒ",
    3: "ɔ ɔː",
    4: "ɛ ʊ e eɪ ɛɪ ɛː eː e̞ ø øː œ œː eə eʊ",
    5: "ɝ ɚ ɜː ɜːɹ əɹ",
    6: "j i ɪ iː y yː ʏ iə ɪə ʝ ç",
    7: "w u uː ɯ ʉ ʉː ɥ ʊə ʍ β",
    8: "o oʊ əʊ oː ɔʊ õ",
    9: "aʊ æʊ aʊə",
    10: "ɔɪ oɪ ɔʏ ɔø",
    11: "aɪ ɑɪ aɪə aɪɚ",
    12: "h ɦ ħ ʕ",
    13: "ɹ r ɾ ʁ ɻ ʀ ɽ",
    14: "l ɫ ʎ ɭ əl ɬ",
    15: "s z ts dz",
    16: "ʃ tʃ dʒ ʒ ɕ ʑ tɕ dʑ ʂ ʐ tʂ",
    17: "ð",
    18: "f v ʋ ɱ pf",
    19: "d t n θ ɲ ɳ ɖ ʈ t̪ d̪ n̩ ʔ",
    20: "k ɡ g ŋ x ɣ q χ c ɟ ɢ",
    21: "p b m ɸ",
}
_VISEME_OF_PHONEME = {
    phoneme: viseme
    for viseme, phonemes in _PHONEMES_OF_VISEME.items()
    for phoneme in phonemes.split()
}
_STRESS_AND_TONE = str.maketrans("", "", "ˈˌ͡'‿ʰʲ̃˥˦˧˨˩0123456789-_|")


def find_viseme(phoneme: str) -> int:
    """The viseme id of a phoneme in IPA; 0 for a pause and for what is not known."""
    bare = phoneme.translate(_STRESS_AND_TONE)
    # From the whole phoneme to its first letter: "ɑːɹ" looks like "ɑː", "ts" like "ts".
    for end in range(len(bare), 0, -1):
        if (viseme := _VISEME_OF_PHONEME.get(bare[:end])) is not None:
            return viseme
    return SILENCE


def read_visemes(phonemes: Iterable[tuple[str, int]]) -> list[Viseme]:
    """Visemes for phonemes and their offsets in ms."""
    return [Viseme(find_viseme(ipa), offset_ms) for ipa, offset_ms in phonemes if ipa != WORD_GAP]
