"""Voices of a session: their names by kind, and the shapes of a ``voice``."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from voicelive_agent.wire.voice_live.shapes import Name, Number, Shape, Share, Text, name_or_object

VoiceType = Literal[
    "azure-standard", "azure-custom", "azure-personal", "azure-realtime-native", "openai"
]

Gender = Literal["female", "male"]

DEFAULT_VOICE = "en-US-Ava:DragonHDLatestNeural"
DEFAULT_REALTIME_VOICE = "alloy"
"""Of models that speak by themselves."""

# fmt: off
OPENAI_VOICES: Mapping[str, Gender] = {
    "alloy": "female", "ash": "male", "ballad": "male", "cedar": "male", "coral": "female",
    "echo": "male", "marin": "female", "sage": "female", "shimmer": "female", "verse": "male",
}
OPENAI_SPEECH_VOICES: Mapping[str, Gender] = {
    **OPENAI_VOICES, "fable": "male", "nova": "female", "onyx": "male",
}
"""With those that OpenAI's speech endpoint has beyond a session's."""
NATIVE_VOICES = frozenset({
    "aarti", "andrew", "ava", "denise", "diya", "elsa", "florian", "francisca", "meera",
    "xiaoxiao", "ximena", "yunxi",
})
# fmt: on


class OpenAIVoice(Shape):
    type: Literal["openai"]
    name: Name


class NativeVoice(Shape):
    type: Literal["azure-realtime-native"]
    name: Name = "ava"


class AzureVoice(Shape):
    """What the voices of Azure Speech have in common."""

    temperature: Share | None = None
    custom_lexicon_url: Text | None = None
    custom_text_normalization_url: Text | None = None
    prefer_locales: list[Text] | None = None
    locale: Text | None = None
    style: Text | None = None
    pitch: Text | Number | None = None
    rate: Text | Number | None = None
    volume: Text | Number | None = None


class StandardVoice(AzureVoice):
    type: Literal["azure-standard"]
    name: Name


class CustomVoice(AzureVoice):
    type: Literal["azure-custom"]
    name: Name
    endpoint_id: Name


class PersonalVoice(AzureVoice):
    type: Literal["azure-personal"]
    name: Name
    model: Name


class AvatarSyncVoice(AzureVoice):
    type: Literal["avatar-voice-sync"]
    model: Name


VoiceObject = Annotated[
    OpenAIVoice | NativeVoice | StandardVoice | CustomVoice | PersonalVoice | AvatarSyncVoice,
    Field(discriminator="type"),
]


Voice = Annotated[
    Annotated[Name, Tag("name")] | Annotated[VoiceObject, Tag("object")],
    Discriminator(name_or_object),
]


def guess_voice_type(name: str | None) -> VoiceType:
    """The type of a voice of which only the name is known."""
    if name in OPENAI_VOICES:
        return "openai"
    return "azure-realtime-native" if name in NATIVE_VOICES else "azure-standard"


def name_voice(name: str) -> dict[str, Any]:
    """The voice object that a bare name stands for."""
    return {"type": guess_voice_type(name), "name": name}
