"""Full stops: whether one ends a sentence, or belongs to the number or abbreviation before it."""

import re

# Only those that are no words of their own: "Max." and "set." end sentences.
_ABBREVIATIONS = re.compile(
    r"dr|drs|mr|mrs|ms|mx|prof|rev|hon|sen|rep|gov|gen|col|lt|sgt|capt|st|mt|ft|jr|sr|vs|cf|viz|"
    r"approx|nos|vol|vols|pp|figs|eq|inc|ltd|corp|dept|ext|ave|blvd|rd|hwy|apt|ste|avg|tel|est|"
    r"jan|feb|apr|jun|jul|aug|sep|sept|oct|nov|dec|tue|tues|wed|thu|thur|thurs|hr|ph|"
    r"nr|nrn|str|bzw|bspw|ca|evtl|ggf|ggfs|inkl|exkl|einschl|zzgl|abzgl|vgl|sog|abb|abs|anm|aufl|"
    r"hrsg|kap|jh|mio|mrd|tsd|std|sek|hbf|dipl|okt|dez|geb|allg|tägl|mtl|chr|hr|hrn|hl|ziff|"
    r"mm|mme|mmes|mlle|mgr|env|éd|tél|av|bd|boul|chap|janv|févr|avr|juil|déc|apr|bât|"
    r"sra|srta|sres|sras|dra|ud|uds|vd|vds|dña|ej|núm|pág|págs|avda|tfno|aprox|ee|uu|dpto|gral|lic|"
    r"ene|abr|dic|máx|mín|sig|sigg|dott|avv|ing|geom|pag|pagg|cfr|genn|febbr|lug|sett|ott"
)
_OF_TWO_WORDS = re.compile(r"(?:ad|p\.|per) (?:es|ex)")
_BEFORE_NUMBERS = re.compile(r"no|nos|fig|sec|ch|p|s|n|art|max|min|cap|bd|op|rm|tab|para|ref|mar|v")
"""Words that are abbreviations where a number follows, and end a sentence where none does."""
_LAST_WORDS = re.compile(r"etc|usw|ecc|a\.m|p\.m|u\.s\.w|ff")
"""Abbreviations that end a sentence where the next word has a capital."""
_AFTER_TIMES = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|jan\w*|feb\w*|march|april|may|june|july|aug\w*|"
    r"sep\w*|oct\w*|nov\w*|dec\w*|[ecmp][sd]?t|utc|gmt|eastern|central|pacific|mountain",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,4}|[^\W\d_]")
_OPENERS = "\"'“‘„«([{*_¿¡"
_WORD = re.compile(r"\s*([^\W\d_]*)")
_LONGEST_WORD = 20

# German: a number with a stop is an ordinal after these words, and before those nouns.
_BEFORE_ORDINALS = re.compile(
    r"am|im|vom|zum|zur|beim|der|die|das|den|dem|des|ins|ab|bis|seit|und|jede[nrms]?|diese[nrms]?|"
    r"(?:mein|dein|sein|ihr|unser|euer|ein|kein)(?:e[nrms]?)?",
    re.IGNORECASE,
)
ORDINAL_NOUNS = re.compile(
    r"Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jan|Feb|"
    r"Apr|Aug|Sep|Sept|Okt|Nov|Dez|Stock|Stockwerk|Etage|OG|UG|Obergeschoss|Untergeschoss|Klasse|"
    r"Kapitel|Platz|Mal|Tag|Woche|Monat|Quartal|Jahr|Jahrhundert|Jh|Advent|Liga|Person|Geburtstag|"
    r"Weltkrieg|Versuch|Semester|Halbjahr|Halbzeit|Runde|Reihe|Gang|Stufe|Generation|Auflage|Teil|"
    r"Band|Akt|Straße|Rang|Spieltag|Staffel|Folge|Seite|Zeile|Abschnitt|Bezirk|Hochzeitstag"
)
FIRST_WORDS = re.compile(
    r"Ich|Wir|Sie|Er|Es|Das|Die|Der|Dies|Diese|Ein|Eine|Dann|Danach|Bitte|Und|Aber|Wenn|Möchten|"
    r"Haben|Ist|Sind|Kann|Können|Soll|Was|Wie|Wo|Wann|Heute|Morgen|Hier|Dort|Ja|Nein|Also|Im|Am|"
    r"In|Auf|Mit|Für|Sonst|Außerdem|Gibt|Kommen|Gut|Vielen|Danke|"
    r"The|We|I|You|It|He|She|They|This|That|Then|There|Next|But|So|Please|Would|Do|Are|Can|How|"
    r"What|When|Where|Your|My|Thank|Thanks|Have|If|Let|And|Yes|No"
)
"""Words that begin a sentence rather than being what the number before them counts."""


def ends_sentence(before: str, behind: str) -> bool | None:
    """Whether the full stop between two texts ends a sentence; None until more is known.

    ``behind`` begins with a space, and is as much as has arrived.
    """
    tokens = before.split()
    if not tokens or before[-1].isspace():
        return True
    last = tokens[-1].lstrip(_OPENERS)
    if re.fullmatch(r"\d+(?:\.\d{1,2})?", last):
        return _ends_at_number(last, tokens[:-1], behind)
    bare = last.lower()
    if _BEFORE_NUMBERS.fullmatch(bare) and not (len(bare) == 1 and len(tokens) == 1):
        following = behind.lstrip()[:1]
        if not following:
            return None
        return not (following.isdigit() or following in "#" or is_abbreviation(before))
    if re.fullmatch(r"[IVX]{2,}", last):
        following = behind.lstrip()[:1]
        return not following.islower() if following else None
    if _LAST_WORDS.fullmatch(bare):
        word = _next_word(behind)
        return None if word is None else word[:1].isupper() and not _AFTER_TIMES.fullmatch(word)
    return not is_abbreviation(before)


def is_abbreviation(text: str) -> bool:
    """Whether a full stop after this text belongs to its last token, whatever follows."""
    tokens = text.split()
    if not tokens or text[-1].isspace():
        return False
    last = tokens[-1].lstrip(_OPENERS)
    if _ABBREVIATIONS.fullmatch(last.lower()) or _OF_TWO_WORDS.fullmatch(
        " ".join(tokens[-2:]).lower()
    ):
        return True
    return last != "I" and last[-1:] < "\u2e80" and bool(_INITIALS.fullmatch(last))


def may_go_on(text: str) -> bool:
    """Whether a full stop after this text, which stands still, may turn out to be no end."""
    tokens = text.split()
    if not tokens:
        return False
    last = tokens[-1].lstrip(_OPENERS).lower()
    # "No." alone is an answer; "It is No." waits for its number.
    return is_abbreviation(text) or (len(tokens) > 1 and bool(_BEFORE_NUMBERS.fullmatch(last)))


def _ends_at_number(number: str, before: list[str], behind: str) -> bool | None:
    if not before and "." not in number:
        return False  # the mark of a list
    if len(number) > 2 and "." not in number:
        return True
    following = behind.lstrip()[:1]
    if following.islower():
        return False
    if following and "." in number:
        return True
    word = _next_word(behind)
    if word is None:
        return None
    if not word or FIRST_WORDS.fullmatch(word):
        return True
    is_ordinal = bool(_BEFORE_ORDINALS.fullmatch(before[-1].lstrip(_OPENERS)))
    return not (is_ordinal or ORDINAL_NOUNS.fullmatch(word))


def _next_word(behind: str) -> str | None:
    """The next word, empty where a mark or a number comes next; None until it is complete."""
    match = _WORD.match(behind)
    word = match[1] if match else ""
    is_complete = match is not None and match.end() < len(behind)
    return word[:_LONGEST_WORD] if is_complete or len(word) >= _LONGEST_WORD else None
