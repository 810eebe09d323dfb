"""Voice patch of the Bridge: changes to the session's voice that an agent sends with its text."""

from typing import Any, Final

from voicelive_agent.wire.bridge.frames import check_tree

ALIASES: Final = {"azure-platform": "azure-standard", "custom": "azure-custom"}
TYPES: Final = frozenset(
    {
        "openai",
        "azure-standard",
        "azure-custom",
        "azure-personal",
        "avatar-voice-sync",
        "azure-realtime-native",
    }
)
_NAMES: Final = ("name", "endpoint_id")
_TEXTS: Final = (
    "custom_lexicon_url",
    "custom_text_normalization_url",
    "locale",
    "multi_talker_speaker_name",
    "pitch",
    "rate",
    "style",
    "volume",
)


def check_voice(patch: dict[str, Any]) -> dict[str, Any]:
    """The patch as it is sent, with the types' newer names. Raises ValueError for a wrong field.

    Fields that it doesn't know pass; null takes a field back, where that is possible.
    """
    if not patch:
        raise ValueError("voice changes nothing: leave it out")
    check_tree(patch)
    voice = dict(patch)
    if "type" in voice:
        voice["type"] = ALIASES.get(voice["type"], voice["type"]) if _is_text(voice["type"]) else ""
        if voice["type"] not in TYPES:
            raise ValueError(f"voice.type is none of {', '.join(sorted(TYPES))}")
    if "model" in voice and not _is_text(voice["model"]):
        raise ValueError("voice.model is no string")
    for name in _NAMES:
        if name in voice and not (_is_text(voice[name]) and voice[name]):
            raise ValueError(f"voice.{name} is no string, or an empty one")
    for name in _TEXTS:
        if not (voice.get(name) is None or _is_text(voice[name])):
            raise ValueError(f"voice.{name} is neither a string nor null")
    _check_temperature(voice.get("temperature"))
    locales = voice.get("prefer_locales")
    if locales is not None and not (isinstance(locales, list) and all(map(_is_text, locales))):
        raise ValueError("voice.prefer_locales is no list of strings")
    return voice


def _check_temperature(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("voice.temperature is no number from 0 to 1")


def _is_text(value: object) -> bool:
    return isinstance(value, str)
