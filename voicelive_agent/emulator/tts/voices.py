"""Voices: which one a session asks for, and which of an engine's comes nearest.

Azure names a voice by locale and person ("en-US-Ava:DragonHDLatestNeural"), OpenAI by person
("alloy"). Nobody has these voices here, so what counts is whether the person is a woman or a man,
which language and accent is spoken, and that two persons sound different where they can.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voicelive_agent.emulator.tts import Voice
from voicelive_agent.emulator.tts.prosody import read_pitch, read_rate, read_volume
from voicelive_agent.wire.voice_live.voices import OPENAI_SPEECH_VOICES, Gender

_FEMALE = re.compile(
    # Azure, by language
    r"ava|emma|jenny|aria|jane|luna|sara|nancy|amber|ana|ashley|cora|elizabeth|michelle|monica|"
    r"amanda|evelyn|lola|nova|phoebe|serena|ada|"
    r"sonia|libby|abbi|bella|hollie|maisie|olivia|mia|natasha|annette|carly|elsie|freya|joanne|"
    r"kim|tina|clara|emily|molly|neerja|aashi|ananya|kavya|aarti|meera|leah|"
    r"katja|amala|elke|gisela|klarissa|louisa|maja|tanja|seraphina|ingrid|leni|"
    r"denise|brigitte|celeste|coralie|eloise|jacqueline|josephine|vivienne|yvette|sylvie|ariane|"
    r"elvira|abril|estrella|irene|laia|lia|triana|vera|ximena|dalia|beatriz|candela|carlota|"
    r"larissa|marina|nuria|renata|paloma|elena|"
    r"elsa|isabella|fabiola|fiamma|imelda|irma|palmira|pierina|"
    r"francisca|brenda|elza|giovanna|leila|leticia|manuela|thalita|yara|raquel|fernanda|"
    r"xiao\w+|hiugaai|hiumaan|hsiaochen|hsiaoyu|nanami|aoi|mayu|shiori|sunhi|jimin|seohyeon|"
    r"soonbok|yujin|swara|diya|fenna|colette|dena|sofie|hillevi|christel|pernille|iselin|selma|"
    r"noora|zofia|agnieszka|svetlana|dariya|polina|emel|zariyah|salma|fatima|hila|athina|vlasta|"
    r"noemi|alina|viktoria|premwadee|achara|hoaimy|gadis|yasmin|"
    # Piper
    r"amy|lessac|kathleen|ljspeech|cori|alba|eva_k|kerstin|ramona|.*_female|.*female_.*",
)
_MALE = re.compile(
    r"andrew|brian|guy|davis|jason|kai|tony|brandon|christopher|eric|jacob|roger|steffan|adam|"
    r"alloyturbo|derek|dustin|lewis|samuel|aiden|bradley|blue|ryan|alfie|elliot|ethan|noah|oliver|"
    r"ollie|thomas|william|darren|duncan|ken|neil|tim|liam|connor|mitchell|prabhat|aarav|kunal|"
    r"rehaan|arjun|luke|sam|conrad|bernd|christoph|florian|kasper|killian|klaus|ralf|jonas|jan|"
    r"henri|alain|claude|jerome|maurice|remy|yves|antoine|jean|thierry|fabrice|gerard|"
    r"alvaro|arnau|dario|elias|nil|saul|teo|tristan|jorge|cecilio|gerardo|liberto|luciano|pelayo|"
    r"yago|alonso|tomas|diego|benigno|calimero|cataldo|gianni|giuseppe|lisandro|rinaldo|alessio|"
    r"marcello|antonio|donato|fabio|humberto|julio|macerio|nicolau|valerio|duarte|"
    r"yun\w+|wanlung|keita|daichi|naoki|masaru|injoon|bongjin|gookmin|hyunsu|madhur|maarten|arnaud|"
    r"mattias|jeppe|finn|harri|marek|dmitry|ahmet|hamed|shakir|avri|nestoras|antonin|tamas|emil|"
    r"niwat|namminh|ardi|osman|"
    # Piper
    r"alan|bryce|danny|joe|john|kusal|norman|thorsten|karlsson|pavoque|.*_male|.*(?<!fe)male_.*",
)
_AZURE_NAME = re.compile(
    r"(?P<locale>[a-z]{2,3}(?:-[a-z]{4})?-(?:[a-z]{2}|\d{3}))-(?:[a-z]+-)?"
    r"(?P<person>[a-z]+?)(?:multilingual|turbo|dialects)*(?:neural)?(?:hd)?(?::.*)?",
    re.IGNORECASE,
)

# Where a locale has no voice of its own, the accent that comes nearest before just any.
_NEAREST_LOCALES = {
    **dict.fromkeys(("au", "gh", "hk", "ie", "in", "ke", "ng", "nz", "sg", "tz", "za"), "en-gb"),
    **dict.fromkeys(("ar", "bo", "cl", "co", "cr", "cu", "do", "ec", "gt", "hn"), "es-mx"),
    **dict.fromkeys(("ni", "pa", "pe", "pr", "py", "sv", "us", "uy", "ve"), "es-mx"),
}

BASE_HZ: Mapping[Gender | None, float] = {"female": 200.0, "male": 110.0, None: 150.0}


@dataclass(frozen=True, slots=True)
class EngineVoice:
    """A voice as an engine has it."""

    name: str
    language: str
    """BCP-47: ``en-US``, or ``en`` where there is no accent to it."""
    gender: Gender | None
    """None where nobody knows."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the engine needs to speak with it."""
    rate: float = 1.0
    """Factor on the engine's speed that gives the voice's normal one."""


@dataclass(frozen=True, slots=True)
class VoiceRequest:
    """A session's ``voice`` object, understood."""

    name: str = ""
    person: str = ""
    known: bool = True
    """Whether the name is empty or that of a person we know of."""
    gender: Gender | None = None
    locale: str = ""


def read_voice_request(voice: Mapping[str, Any]) -> VoiceRequest:
    """What a ``voice`` object asks for; never fails."""
    name = voice.get("name")
    name = name.strip() if isinstance(name, str) else ""
    match = _AZURE_NAME.fullmatch(name)
    person = (match["person"] if match else name.split(":")[0]).lower()
    gender = guess_gender(person)
    locale = voice.get("locale")
    if not isinstance(locale, str) or not locale:
        locale = match["locale"] if match else ""
    return VoiceRequest(name, person, gender is not None or not name, gender, locale)


def guess_gender(person: str) -> Gender | None:
    """By the name; None where it is not one that is known."""
    person = person.lower()
    if person in OPENAI_SPEECH_VOICES:
        return OPENAI_SPEECH_VOICES[person]
    if _FEMALE.fullmatch(person):
        return "female"
    return "male" if _MALE.fullmatch(person) else None


def choose_voice(
    request: VoiceRequest, voices: Sequence[EngineVoice], engine: str
) -> tuple[EngineVoice, str | None]:
    """The nearest of an engine's voices (the first is its default), and a warning."""
    for voice in voices:
        if voice.name.lower() == request.name.lower():
            return voice, None
    matching = _find_matching((request.locale or voices[0].language).lower(), voices)
    candidates = [
        voice for voice in matching or voices if voice.gender == (request.gender or voice.gender)
    ]
    candidates = candidates or list(matching) or list(voices)
    # The same person always has the same voice; who asks for nobody gets the default.
    chosen = candidates[sum(request.person.encode()) % len(candidates) if request.gender else 0]
    if not matching:
        return chosen, (
            f"the speech engine {engine} has no voice for {request.locale}: {chosen.name!r} "
            f"({chosen.language}) speaks instead"
        )
    if not request.known:
        return chosen, (
            f"the emulator does not know the voice {request.name[:80]!r}: {chosen.name!r} speaks "
            "instead"
        )
    return chosen, None


def _find_matching(locale: str, voices: Sequence[EngineVoice]) -> list[EngineVoice]:
    """The voices for a locale: its own, or those of one accent of its language."""
    base, _, region = locale.partition("-")
    languages = [voice.language.lower() for voice in voices]
    nearest = _NEAREST_LOCALES.get(region, "")
    for wanted in (locale, nearest if nearest.startswith(f"{base}-") else "", base):
        if wanted in languages:
            break
    else:
        same = (language for language in languages if language.split("-")[0] == base)
        wanted = next(same, "")
    return [voice for voice in voices if voice.language.lower() == wanted]


def resolve(
    voice: Mapping[str, Any], voices: Sequence[EngineVoice], engine: str
) -> tuple[Voice, str | None]:
    """The ``Voice`` for a session's ``voice`` object, with all its warnings in one text."""
    chosen, warning = choose_voice(read_voice_request(voice), voices, engine)
    rate, rate_warning = read_rate(voice.get("rate"))
    pitch, pitch_warning = read_pitch(voice.get("pitch"), BASE_HZ[chosen.gender])
    volume, volume_warning = read_volume(voice.get("volume"))
    warnings = [text for text in (warning, rate_warning, pitch_warning, volume_warning) if text]
    return (
        Voice(chosen.name, chosen.language, rate, pitch, volume),
        "; ".join(warnings) or None,
    )
