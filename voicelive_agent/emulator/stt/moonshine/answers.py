"""Everyday answers: what people say to an agent in a word or two, and which of it a sound may be.

The model hears a word alone worse than a sentence, and writes "Millets." for "minutes": what it
didn't write may be nearly as probable. So where a few words are doubted, the answers compete with
the murmurs, in both hearings.
"""

import re
from collections.abc import Sequence

import numpy as np

from voicelive_agent.emulator.stt.moonshine.model import Decoding, MoonshineModel

_ANSWERS = """
yes, no, okay, yeah, yep, nope, sure, thanks, please, yes please, no thanks, hello, hi,
hey, good morning, good night, bye, goodbye, stop, wait, help, cancel, cancelled, repeat, again,
next, back, continue, start, go, right, all right, left, correct, wrong, true, of course, maybe,
never, now, not now, today, tomorrow, yesterday, tonight, morning, afternoon, evening,
zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen,
fifteen, sixteen, seventeen, eighteen, nineteen, twenty, thirty, forty, fifty, sixty, seventy,
eighty, ninety, hundred, thousand, first, second, third, fourth, fifth, sixth, seventh, eighth,
ninth, tenth, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, January, February,
March, April, May, June, July, August, September, October, November, December, operator,
what, why, when, where, who, how, good, great, fine, perfect, exactly, absolutely, nothing, none,
done, ready, sorry, excuse me, that's all, minutes, hours, time, number, cash, card
"""
ANSWERS = tuple(f"{one[0].upper()}{one[1:]}." for one in re.split(r",\s", _ANSWERS.strip()))
"""As the model would write them. Some are missing: "Thank you." is its guess for anything, and
letters that somebody spells may as well be "Agent." or "Later."."""
LEAD = 5.0
"""So much more probable than any murmur, as a logarithm, is an answer that was said. Of what
nobody had said, the most was 4.7 where a voice was sure for ``ANSWER_VOICE_MS``; else 6.9."""
ANSWER_VOICE_MS = range(190, 900)


def find_answer(
    model: MoonshineModel, hearings: Sequence[Decoding], murmurs: Sequence[float]
) -> str:
    """The answer that was said most probably; empty if none leads the murmurs.

    ``murmurs`` is how probable the likest murmur is in each of the hearings, as a logarithm; the
    lead over them is the mean of the hearings.
    """
    begun = np.mean([model.score_beginnings(one) for one in hearings], axis=0)
    murmur = float(np.mean(murmurs))
    # No text is more probable than its beginning.
    most = {text: float(begun[model.split(text)[0]]) - murmur for text in ANSWERS}
    best, lead = "", LEAD
    for text in sorted(ANSWERS, key=lambda one: -most[one]):
        if most[text] < lead:
            break
        of_text = float(np.mean([model.score(one, text) for one in hearings])) - murmur
        best, lead = max((best, lead), (text, of_text), key=lambda one: one[1])
    return best
