"""How a turn ends: why, with which status, and what its caller hears of that.

``Ending`` is one of these from the moment at which it is decided; what is stored and sent is its
value, a text (``TurnRecord.reason``).
"""

from dataclasses import dataclass, replace
from enum import Enum

from voicelive_agent.server.conversations import TurnStatus


@dataclass(frozen=True, slots=True)
class Phrases:
    """What a caller hears when the agent can't answer."""

    apology: str
    """Spoken in place of, or after, the answer of an agent that failed."""
    closing: str
    """Spoken when the server has to end a turn because it is being stopped."""
    filtered: str
    """Spoken when a model's content filter refused what was said, or cut the answer."""
    too_long: str
    """Spoken when a model reached its limit of tokens in mid-answer."""


class Ending(Enum):
    """Why a turn ended, by the code that callers and stores are told."""

    COMPLETED = "completed", "completed", "the agent said all of its answer"
    SUPERSEDED = "superseded", "cancelled", "a newer turn of the conversation began"
    CANCELLED = "cancelled", "cancelled", "a caller asked for it"
    DISCONNECTED = "disconnected", "cancelled", "the caller went, or never read the end"
    DRAINING = "draining", "cancelled", "the server is being stopped"
    AGENT_FAILED = "agent_failed", "failed", "the agent raised"
    AGENT_NO_OUTPUT = "agent_no_output", "failed", "the agent yielded nothing that can be spoken"
    AGENT_WRONG_TYPE = (
        "agent_wrong_type",
        "failed",
        "the agent yielded something that is no text, ClientEvent or EndCall",
    )
    CONTENT_FILTERED = (
        "content_filtered",
        "failed",
        "the model's content filter refused what was said, or cut the answer",
    )
    ANSWER_TOO_LONG = (
        "answer_too_long",
        "failed",
        "the model reached its limit of tokens before the end of the answer",
    )
    ANSWER_TOO_LARGE = (
        "answer_too_large",
        "failed",
        "the agent yielded more than VOICELIVE_MAX_ANSWER_BYTES",
    )
    FIRST_DELTA_TIMEOUT = (
        "first_delta_timeout",
        "failed",
        "the agent said nothing before the first-delta deadline",
    )
    IDLE_TIMEOUT = (
        "idle_timeout",
        "failed",
        "the agent said nothing more before the idle deadline",
    )
    TURN_TIMEOUT = "turn_timeout", "failed", "the turn took longer than its total deadline"
    CONVERSATION_UNAVAILABLE = (
        "conversation_unavailable",
        "failed",
        "the conversation store could not be used",
    )
    CONVERSATION_NOT_SAVED = (
        "conversation_not_saved",
        "failed",
        "the conversation store could not be written",
    )
    PROCESS_DIED = "process_died", "failed", "the process that ran the turn ended"
    REPLICA_DIED = "replica_died", "failed", "the replica that ran the turn ended"
    NOT_STORED = "not_stored", "failed", "how the turn ended could not be stored"
    ID_REUSED = "invocation_id_reused", "failed", "another turn has this invocation id"
    INTERNAL_ERROR = "internal_error", "failed", "the server itself failed"

    status: TurnStatus
    explanation: str
    """For the log; a caller of a failed turn hears one of ``Phrases`` only."""

    def __new__(cls, code: str, status: TurnStatus, explanation: str) -> "Ending":
        ending = object.__new__(cls)
        ending._value_ = code
        ending.status = status
        ending.explanation = explanation
        return ending

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def interrupts(self) -> bool:
        """Whether the answer was cut: its caller may have heard less than the agent had to say."""
        return self.status == "cancelled"

    @property
    def is_abrupt(self) -> bool:
        """Whether the turn ends without a word: somebody else speaks now, or nobody listens."""
        return self in (Ending.SUPERSEDED, Ending.CANCELLED, Ending.DISCONNECTED)

    def find_sentence(self, phrases: Phrases) -> str:
        """What the server itself says at the end of such a turn; empty for nothing."""
        if self is Ending.CONTENT_FILTERED:
            return phrases.filtered
        if self is Ending.ANSWER_TOO_LONG:
            return phrases.too_long
        if self.failed:
            return phrases.apology
        return phrases.closing if self is Ending.DRAINING else ""


def read_ending(code: str) -> Ending:
    """The ending that another replica asks for; one that only a newer version knows cancels."""
    return _find(code, Ending.CANCELLED)


def find_ending(code: str) -> Ending:
    """The ending of a stored turn; one that only a newer version knows is a failure."""
    return _find(code, Ending.INTERNAL_ERROR)


def _find(code: str, unknown: Ending) -> Ending:
    return next((ending for ending in Ending if ending.value == code), unknown)


# The few sentences that the server itself speaks, by language.
_BY_LANGUAGE = {
    "de": Phrases(
        "Entschuldigung, da ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
        "Ich muss hier leider kurz unterbrechen. Bitte fragen Sie gleich noch einmal.",
        "Darüber kann ich leider nicht sprechen. Was kann ich sonst für Sie tun?",
        "Das wird mir zu lang, deshalb mache ich hier eine Pause. Soll ich weitermachen?",
    ),
    "en": Phrases(
        "Sorry, something went wrong on my side. Please try that again.",
        "Sorry, I have to stop here for a moment. Please ask me again shortly.",
        "I'm afraid I can't talk about that. What else can I do for you?",
        "That is getting too long, so I'll pause here. Shall I go on?",
    ),
    "es": Phrases(
        "Lo siento, algo ha fallado. Por favor, inténtelo de nuevo.",
        "Lo siento, tengo que parar un momento. Por favor, pregúnteme de nuevo enseguida.",
        "Lo siento, de eso no puedo hablar. ¿En qué más puedo ayudarle?",
        "Esto se está alargando demasiado, así que hago una pausa. ¿Quiere que siga?",
    ),
    "fr": Phrases(
        "Désolé, quelque chose n'a pas fonctionné. Veuillez réessayer.",
        "Désolé, je dois m'interrompre un instant. Veuillez me le redemander dans un moment.",
        "Je ne peux malheureusement pas en parler. Que puis-je faire d'autre pour vous ?",
        "Cela devient trop long, je fais donc une pause. Voulez-vous que je continue ?",
    ),
    "it": Phrases(
        "Mi dispiace, qualcosa non ha funzionato. Per favore, riprovi.",
        "Mi dispiace, devo fermarmi un momento. Per favore, me lo chieda di nuovo tra poco.",
        "Mi dispiace, di questo non posso parlare. Che altro posso fare per lei?",
        "Sta diventando troppo lungo, quindi mi fermo qui. Vuole che continui?",
    ),
    "ja": Phrases(
        "申し訳ありません、問題が発生しました。もう一度お願いします。",
        "申し訳ありません、ここで一旦止まります。少ししてからもう一度お尋ねください。",
        "申し訳ありませんが、その件についてはお話しできません。ほかにご用件はありますか。",
        "長くなりましたので、ここで一度区切ります。続けましょうか。",
    ),
    "nl": Phrases(
        "Sorry, er ging iets mis. Probeer het alstublieft opnieuw.",
        "Sorry, ik moet even stoppen. Vraag het me zo meteen alstublieft opnieuw.",
        "Daar kan ik helaas niet over praten. Wat kan ik verder voor u doen?",
        "Dit wordt te lang, dus ik pauzeer hier even. Zal ik verdergaan?",
    ),
    "pt": Phrases(
        "Desculpe, algo correu mal. Por favor, tente de novo.",
        "Desculpe, tenho de parar por um momento. Por favor, pergunte de novo daqui a pouco.",
        "Lamento, não posso falar sobre isso. Em que mais posso ajudar?",
        "Isto está a ficar longo, por isso faço aqui uma pausa. Quer que continue?",
    ),
    "zh": Phrases(
        "抱歉，出了点问题，请再试一次。",
        "抱歉，我需要暂停一下，请稍后再问我。",
        "抱歉，这个话题我不能谈。还有什么可以帮您？",
        "内容有点长，我先停在这里。要我继续吗？",
    ),
}


def find_phrases(language: str, *, apology: str = "", closing: str = "") -> Phrases:
    """The sentences for a BCP-47 language (English where there are none), or those given."""
    known = _BY_LANGUAGE.get(language.lower().split("-")[0], _BY_LANGUAGE["en"])
    return replace(known, apology=apology or known.apology, closing=closing or known.closing)
