"""The words by which a front desk tells what an utterance is about."""

import re

from examples.front_desk.words import word_set


def any_of(*phrases: str) -> re.Pattern[str]:
    """Matches each of ``phrases`` (patterns) as whole words."""
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")


# fmt: off
TOPICS = {
    "weather": any_of(
        "weather", "the whether",
        "whether (?:in|like|at|today|tomorrow|tonight|now|outside|forecast|for (?!the table))",
        "forecast", "temperature", "umbrella",
        "is it (?:going to )?(?:rain|snow|raining|snowing|sunny|cold|warm|hot|cloudy)",
        "(?:cold|warm|hot|sunny|raining) (?:outside|in|out there|today)", "like outside",
    ),
    "hours": any_of(
        "hours?", "opening times?", "open(?:ing|s)?", "close[sd]?", "closing",
        "what time do you (?:start|stop|serve|finish)", "how (?:late|early|long) (?:are|can|do)",
        "(?:what time|when) can (?:i|we)", "latest", "earliest", "last (?:order|table|seating)",
        "serve (?:lunch|dinner)",
    ),
    "clock": any_of(
        "what time is it", "(?:what's|what is|tell me) the time(?! of)", "what day is (?:it|today)",
        "(?:what's|what is) (?:the|today's) date",
    ),
    "wait": any_of(
        "hold on", "hang on", "(?:one|a) (?:moment|sec|second|minute)",
        "let me (?:think|check|see)",
        "(?:i )?don't know(?: yet)?$", "not sure(?: yet)?$", "wait a (?:bit|while)", "^stop",
    ),
    "payment": any_of(
        "credit cards?", "(?:pay|paying) (?:by|with)", "how can (?:i|we) pay",
        "(?:take|accept) (?:cards?|cash)", "american express", "visa", "apple pay",
    ),
    "seating": any_of(
        "window (?:seats?|tables?)", "outside", "outdoors?", "terrace", "patio", "by the window",
    ),
    "takeaway": any_of("take ?away", "take ?out", "deliver(?:y|ies)?", "pick up"),
    "late": any_of("running late", "(?:be|bit|little|minutes) late"),
    "wifi": any_of("wi ?fi", "internet"),
    "dress": any_of("dress codes?", "what (?:to|should (?:i|we)) wear", "dress up"),
    "language": any_of(
        "speak (?:spanish|french|german|italian|chinese|japanese|portuguese|dutch)",
        "habla\\w*", "espanol", "español", "sprechen sie", "deutsch", "parlez",
        "parla\\w*", "quiero", "italiano", "fran[cç]ais",
    ),
    "address": any_of(
        "address", "where (?:are|is|do|can)", "located", "location", "directions?", "find you",
        "get there", "get to you", "how far", "which street", "what street",
    ),
    "parking": any_of(
        "park(?:ing)?", "garage", "my car", "valet",
    ),
    "access": any_of(
        "wheel ?chairs?", "accessible", "steps", "stairs", "step free", "disabled",
    ),
    "children": any_of(
        "kids?", "child(?:ren)?", "bab(?:y|ies)", "high ?chairs?", "toddlers?",
    ),
    "pets": any_of("dogs?", "pets?", "cats?", "puppy"),
    "diet": any_of(
        "vegetarians?", "vegan", "gluten", "allerg(?:y|ies|ic)", "halal", "kosher", "lactose",
        "nuts?", "meatless",
    ),
    "prices": any_of(
        "prices?", "expensive", "how much", "cost", "costs", "cheap", "pricey",
    ),
    "menu": any_of(
        "menu", "food", "dish(?:es)?", "specials?", "to eat", "cuisine", "do you (?:serve|cook)",
        "desserts?", "soup", "salmon", "risotto", "recommend",
    ),
    "book": any_of(
        "book", "booked", "booking", "bookings", "reserve", "reservation", "reservations",
        "reserved", "tables?", "seats?", "dinner", "lunch", "come in", "eat with you",
    ),
    "cancel": any_of(
        "cancel(?:l?ed|l?ing|lation)?", "call (?:it|that) off", "not coming",
        "won't (?:make|be)", "can't (?:make|come)", "cannot (?:make|come)",
        "drop (?:it|that|my)", "delete", "council (?:my|the|it|that)",
        "cancer (?:my|the|it|that)",
    ),
    "forget": any_of(
        "never ?mind", "forget (?:it|about it|that)", "start over", "start again",
    ),
    "keep": any_of(
        "keep (?:it|the|my|that)", "don't cancel", "do not cancel", "leave it",
    ),
    "change": any_of(
        "change", "move", "resched\\w+", "modify", "switch", "edit",
        "add", "different (?:time|day|date)", "another (?:time|day|date)", "make it",
        "push (?:it|that|my)", "update", "instead", "rather (?:have|come|be)",
    ),
    "times": any_of(
        "what times?(?: slots?)? (?:do|are|is|have)"
        "(?! it\\b| you (?:open|close|start|stop|serve|finish))",
        "which times?", "available", "availability", "slots?", "what have you got",
        "what do you have (?:free|left|on|tomorrow|tonight|today)", "any(?:thing)? free",
    ),
    "same_name": any_of("(?:the )?same name", "same as (?:before|last time)"),
    "lookup": any_of(
        "(?:my|our|the) (?:reservation|booking|table)", "did (?:i|we) book", "when am i",
        "my code", "confirmation (?:code|number)", "am i (?:all )?(?:set|booked)",
        "do (?:i|we) have a",
    ),
    "correct": any_of(
        "actually", "i mean", "i meant", "sorry", "wait", "rather", "instead",
    ),
    "repeat": any_of(
        "repeat", "say (?:that|it) again", "again", "pardon(?: me)?", "come again",
        "one more time", "once more", "what did you say", "what was that",
        "(?:didn't|did not) (?:catch|hear|get)", "say what", "excuse me", "slower",
    ),
    "help": any_of(
        "help", "what can (?:you|i)", "options", "what do you do", "how does this",
    ),
    "thanks": any_of(
        "thanks?", "thank you", "thank", "cheers", "appreciate",
    ),
    "goodbye": any_of(
        "good ?bye", "bye+", "good bu?y", "buy buy", "by by", "farewell", "see (?:you|ya)",
        "talk to you later", "have a (?:nice|good|great|lovely) \\w+", "hang up",
        "end (?:the |this )?call",
        "(?:that's|that is|that'll be|that will be) (?:all|everything)", "nothing else",
        "(?:i'm|i am|we're|we are) (?:done|finished)", "good ?night",
    ),
    "hello": any_of(
        "hello", "hi", "hey", "good (?:morning|afternoon|evening|day)", "greetings", "howdy",
        "anybody there", "anyone there", "are you there", "can you hear me",
    ),
    "how_are_you": any_of(
        "how are you", "how's it going", "how do you do", "what's up",
    ),
    "robot": any_of(
        "robot", "machine", "computer", "real person", "are you (?:a )?(?:human|real|an? ai|ai)",
        "a bot", "who are you", "who is this", "what are you", "your name",
        "am i (?:talking|speaking)",
    ),
    "human": any_of(
        "(?:speak|talk|connect me|put me through) (?:to|with) (?:a|an|some|the|your)\\b.*",
        "operator", "manager", "representative", "human being", "a human please", "real human",
    ),
}
TOPICS_LIKE_NAMES = word_set("parking prices menu children")
"""Said for a name, "Park" and "Price" are names."""
YES = any_of(
    "yes", "y", "yeah", "yea", "yep", "yup", "ya", "yah", "yas", "sure", "correct", "absolutely",
    "definitely", "exactly", "affirmative", "certainly", "of course", "go ahead", "please do",
    "do it", "do that", "book it", "confirm", "confirmed",
    "sounds (?:good|great|right|fine|lovely)", "(?:that )?works", "no problem", "why not",
    "no worries", "i do", "i would", "i'd love",
    "that's (?:it|right|fine|good|great|correct|perfect)", "that is (?:it|right|fine|correct)",
    "(?:it's|its|it is) (?:right|fine|good|great|correct|perfect|ok|okay)",
    "perfect", "let's do", "by all means", "all good", "you bet",
)
WEAK_YES = word_set("right good great fine okay ok k alright please cool lovely that's")
"""Yes where nothing but such words is said."""
POLITE_YES = any_of("no problem", "why not", "no worries", "not bad")
"""Not the no that their words make them look like."""
UNDECIDED = any_of(
    "not sure", "(?:i )?don't (?:know|care|mind)", "(?:it )?doesn't matter", "don't worry",
    "not yet",
)
NO = any_of(
    "no", "nope", "nah", "negative", "wrong", "incorrect", "not", "don't", "do not", "isn't",
    "is not", "doesn't", "never", "rather not", "nay", "neither",
)
# fmt: on
