"""The few sentences that the server itself speaks, by language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """What a caller hears when the agent can't answer."""

    apology: str
    """Spoken in place of, or after, the answer of an agent that failed."""
    closing: str
    """Spoken when the server has to end a turn because it is being stopped."""


_BY_LANGUAGE = {
    "de": Phrases(
        "Entschuldigung, da ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
        "Ich muss hier leider kurz unterbrechen. Bitte fragen Sie gleich noch einmal.",
    ),
    "en": Phrases(
        "Sorry, something went wrong on my side. Please try that again.",
        "Sorry, I have to stop here for a moment. Please ask me again shortly.",
    ),
    "es": Phrases(
        "Lo siento, algo ha fallado. Por favor, inténtelo de nuevo.",
        "Lo siento, tengo que parar un momento. Por favor, pregúnteme de nuevo enseguida.",
    ),
    "fr": Phrases(
        "Désolé, quelque chose n'a pas fonctionné. Veuillez réessayer.",
        "Désolé, je dois m'interrompre un instant. Veuillez me le redemander dans un moment.",
    ),
    "it": Phrases(
        "Mi dispiace, qualcosa non ha funzionato. Per favore, riprovi.",
        "Mi dispiace, devo fermarmi un momento. Per favore, me lo chieda di nuovo tra poco.",
    ),
    "ja": Phrases(
        "申し訳ありません、問題が発生しました。もう一度お願いします。",
        "申し訳ありません、ここで一旦止まります。少ししてからもう一度お尋ねください。",
    ),
    "nl": Phrases(
        "Sorry, er ging iets mis. Probeer het alstublieft opnieuw.",
        "Sorry, ik moet even stoppen. Vraag het me zo meteen alstublieft opnieuw.",
    ),
    "pt": Phrases(
        "Desculpe, algo correu mal. Por favor, tente de novo.",
        "Desculpe, tenho de parar por um momento. Por favor, pergunte de novo daqui a pouco.",
    ),
    "zh": Phrases(
        "抱歉，出了点问题，请再试一次。",
        "抱歉，我需要暂停一下，请稍后再问我。",
    ),
}


def find_phrases(language: str, *, apology: str = "", closing: str = "") -> Phrases:
    """The sentences for a BCP-47 language (English where there are none), or the ones given."""
    known = _BY_LANGUAGE.get(language.lower().split("-")[0], _BY_LANGUAGE["en"])
    return Phrases(apology or known.apology, closing or known.closing)
