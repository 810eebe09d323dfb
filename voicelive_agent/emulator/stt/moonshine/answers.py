"""Everyday answers: what people say to an agent in a word or two, and which of it a sound may be.

The model hears a word alone worse than a sentence, and writes "Millets." for "minutes": what it
didn't write may be nearly as probable. So where a few words are doubted, the answers compete with
the murmurs, in both hearings. What people answer more often, and sounds are less like, is believed
sooner.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from voicelive_agent.emulator.stt.moonshine.model import Decoding, MoonshineModel
from voicelive_agent.emulator.stt.phrases import split_words

_LIKELY = "no, stop, seven, hello"
"""What agents are told most, and sounds are like least; but for hums, ``LEADS_OF_HUMS``."""
_USUAL = """
okay, nope, please, yes please, no thanks, good morning, good night, bye, goodbye, wait,
help, cancel, cancelled, repeat, again, next, back, continue, go, left, correct, wrong, true,
of course, maybe, now, not now, today, tomorrow, yesterday, tonight, morning, afternoon, evening,
zero, one, four, five, six, eight, nine, eleven, twelve, thirteen, fourteen, fifteen,
sixteen, seventeen, eighteen, nineteen, twenty, thirty, forty, fifty, sixty, seventy, eighty,
ninety, hundred, thousand,
first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth,
Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, January, February, March, April,
May, June, July, August, September, October, November, December, operator,
what, when, where, who, how, great, fine, exactly, absolutely, nothing, none, done, ready,
excuse me, that's all, minutes, hours, time, number, cash, card
"""
_CALLED = """
yes, yeah, yep, sure, thanks, hey, hi, two, three, ten, start, right, all right, never, why,
good, perfect, sorry
"""
"""What shouts, laughs and other languages sound like."""


def _write(texts: str) -> list[str]:
    """As the model would write them."""
    return [f"{one[0].upper()}{one[1:]}." for one in re.split(r",\s", texts.strip())]


LEADS = {
    **dict.fromkeys(_write(_LIKELY), 2.0),
    **dict.fromkeys(_write(_USUAL), 3.5),
    **dict.fromkeys(_write(_CALLED), 5.0),
}
"""The answers, and so much more probable than any murmur, as a logarithm, each is if it was said.
Some are missing: "Thank you." is the model's guess for anything, and letters that somebody spells
may as well be "Agent." or "Later.". Of 161 sounds in which nobody said it, and in which a voice was
sure for ``ANSWER_VOICE_MS``, an answer led by 1.6 of the first kind at most but for a Ukrainian
"stop", by 2.5 of the second, and by 4.6 of the third."""
ANSWER_VOICE_MS = range(190, 900)
LEAD_OF_HUMS = 1.8
"""So much more probable than any hum an answer is as well. Of what some synthesisers make of "hm",
which is its letters, the most was 1.6: "Eighteen.", "Again."; of answers the least was 2.1."""
LEADS_OF_HUMS = {"No.": 7.8, "Hello.": 5.8}
"""The same of what hums are more like. "mm-hmm" is a nasal and a vowel: of that "no" led by 7.6 at
most, by the bright voice; of 24 doubted "no", 16 by more. Of "hm" and "mhm", "hello" by 5.4."""
_SPOKEN = frozenset("".join(split_words(text)) for text in LEADS)


def is_answer(spoken: str) -> bool:
    """Whether a text is one of them, its words without spaces between them."""
    return spoken in _SPOKEN


def find_answer(
    model: MoonshineModel,
    hearings: Sequence[Decoding],
    murmurs: Sequence[float],
    score_hum: Callable[[Decoding], float],
) -> str:
    """The answer that was said most probably; empty if none leads the murmurs and hums.

    ``murmurs`` is how probable the likest murmur is in each of the hearings, as a logarithm, and
    ``score_hum`` tells the same of hums; the lead over them is the mean of the hearings.
    """
    begun = np.mean([model.score_beginnings(one) for one in hearings], axis=0)
    murmur = float(np.mean(murmurs))
    # No text is more probable than its beginning.
    most = {text: float(begun[model.split(text)[0]]) - murmur - LEADS[text] for text in LEADS}
    best, best_score, surplus = "", 0.0, 0.0
    for text in sorted(LEADS, key=lambda one: -most[one]):
        if most[text] < surplus:
            break
        score = float(np.mean([model.score(one, text) for one in hearings]))
        if score - murmur - LEADS[text] > surplus:
            best, best_score, surplus = text, score, score - murmur - LEADS[text]
    if not best:
        return ""
    of_hums = best_score - float(np.mean([score_hum(one) for one in hearings]))
    return best if of_hums >= LEADS_OF_HUMS.get(best, LEAD_OF_HUMS) else ""
