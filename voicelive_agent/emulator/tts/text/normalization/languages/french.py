"""French: its table of written forms."""

import re

from voicelive_agent.emulator.tts.text.normalization.table import (
    Currency,
    LanguageTable,
    Magnitude,
    say_number,
)

_FEMININE = re.compile(
    r".*(?:tion|sion|[^ou]té|ée|ette|ance|ence|ure|ie|esse|ine|ise|ude|ade|aine|elle|tte|ille|euse|"
    r"rice|ienne|erie)s?|"
    r"(?:heure|minute|seconde|personne|foi|semaine|nuit|page|chambre|table|place|tonne|livre|once|"
    r"calorie|voiture|ville|pomme|tasse|cuillère|porte|salle|étoile|ligne|adresse|boîte|carte|route|"
    r"rue|tranche|dose|femme|fille|main|part|photo|vidéo|chose|étape|erreur|couleur|fleur|option|"
    r"facture|commande|demande|kilocalorie|action|lettre|classe|fenêtre|dame|baguette|bière|eau|"
    r"gousse|pincée|soupe|année|banane|orange|poire|rose|robe|jupe|voie|zone|halte|langue)s?|fois"
)
_MASCULINE = re.compile(
    r"(?:musée|lycée|été|comité|traité|côté|génie|incendie|trophée|magazine|domaine|exercice|"
    r"service|prix|centime|kilo|gramme|litre|mètre|squelette|silence|murmure|parapluie|poste)s?"
)


def _gender(noun: str) -> str:
    if _MASCULINE.fullmatch(noun):
        return "m"
    return "f" if _FEMININE.fullmatch(noun) else "m"


def _agree(number: int, said: str, gender: str, noun: str, before: str) -> str:
    return f"{said}e" if gender == "f" and said.endswith("un") else said


def _link(noun: str) -> str:
    """A million is a noun: "un million d'euros"."""
    return " d'" if noun[:1].lower() in "aeiouéèêhyâîôœ" else " de"


def _ordinal(number: int, mark: str, before: str) -> str:
    if number == 1:
        return "première" if mark.lower().startswith(("re", "ère", "ere", "èr")) else "premier"
    if number == 2 and mark.lower().startswith("n"):
        return "seconde" if "de" in mark.lower() else "second"
    return say_number("fr", number, "ordinal")


def _date(day: str, month: int, name: str, year: str, before: str) -> str:
    said = "premier" if day and int(day) == 1 else say_number("fr", int(day)) if day else ""
    return " ".join(filter(None, (said, name, year)))


def _clock(hour: int, minute: int, mark: str, before: str) -> str:
    said = _agree(hour, say_number("fr", hour), "f", "heure", "")
    said += " heure" if hour < 2 else " heures"
    return f"{said} {say_number('fr', minute)}" if minute > 0 else said


def _halves(noun: str) -> tuple[str, str]:
    feminine = bool(noun) and _gender(noun) == "f"
    if not noun:
        return "un demi", "demi"
    if noun in ("de", "du", "d", "des"):
        return "la moitié", "demi"
    return ("une demi-" if feminine else "un demi-"), ("demie" if feminine else "demi")


def _part_of(noun: str) -> str:
    if not noun or noun in ("de", "du", "d", "des", "et", "ou", "en", "à", "pour", "est", "sont"):
        return ""
    return " d'" if noun[:1].lower() in "aeiouéh" else " de"


def _regnal(name: str, number: int) -> str:
    if number == 1:
        return "première" if re.match(r"Élisabeth|Elizabeth|Catherine|Marie", name) else "premier"
    return say_number("fr", number)


_ALWAYS = "vingt-quatre heures sur vingt-quatre"
_DAILY = "sept jours sur sept"


FRENCH = LanguageTable(
    code="fr",
    decimal=",",
    groups=".\u00a0\u202f\u2009 '’",
    words={
        "decimal": "virgule",
        "decimals": "number",
        "-": "moins",
        "+": "plus",
        "to": "à",
        "per": "par",
        "×": "fois",
        "by": "par",
        "%": "pour cent",
        "‰": "pour mille",
        "÷": "divisé par",
        "=": "égale",
        "±": "plus ou moins",
        "≈": "environ",
        "~": "environ",
        "<": "moins de",
        ">": "plus de",
        "≤": "au plus",
        "≥": "au moins",
        "≠": "différent de",
        "&": "et",
        "@": "arobase",
        "§": "paragraphe",
        "√": "racine de",
        "∞": "infini",
        "→": "à",
        "#": "numéro",
        "hashtag": "hashtag",
        "dot": "point",
        "/": "slash",
        "_": "tiret bas",
        "dash": "tiret",
        "?": "point d'interrogation",
        "version": "version",
        "of": "sur",
        "and": "et",
        "π": "pi",
        "squared": "au carré",
        "cubed": "au cube",
        "power": "puissance",
        "over": "sur",
        "equals": "égale",
        "ratio": "à",
        "version dot": "point",
        "money": "{whole} {small}",
    },
    currencies={
        "USD": Currency("dollar", "dollars", "cent", "cents"),
        "EUR": Currency("euro", "euros", "centime", "centimes"),
        "GBP": Currency("livre", "livres", "penny", "pence", "f"),
        "CHF": Currency("franc suisse", "francs suisses", "centime", "centimes"),
        "JPY": Currency("yen", "yens"),
        "INR": Currency("roupie", "roupies", gender="f"),
        "CAD": Currency("dollar canadien", "dollars canadiens", "cent", "cents"),
    },
    magnitudes={
        "k|K|mille": Magnitude(3),
        "M|Mio|mln|millions?": Magnitude(6, "million", "millions"),
        "Md|Mds|Mrd|milliards?": Magnitude(9, "milliard", "milliards"),
        "billions?": Magnitude(12, "billion", "billions"),
    },
    link=_link,
    units={
        "cts?": "centime|centimes",
        "Ko|ko": "digital-kilobyte",
        "Mo": "digital-megabyte",
        "Go": "digital-gigabyte",
        "To": "digital-terabyte",
        "mn": "duration-minute",
        "sec": "duration-second",
        "j": "jour|jours",
        "km/h": "kilomètre heure|kilomètres heure",
        "c\\. ?à ?s\\.|CS": "cuillère à soupe|cuillères à soupe",
        "c\\. ?à ?c\\.|CC": "cuillère à café|cuillères à café",
        "ch": "cheval|chevaux",
        "hab\\.": "habitant|habitants",
        "ans?": "an|ans",
    },
    halves=_halves,
    fractions={
        2: ("demi", "demis"),
        3: ("tiers", "tiers"),
        4: ("quart", "quarts"),
        5: ("cinquième", "cinquièmes"),
        6: ("sixième", "sixièmes"),
        7: ("septième", "septièmes"),
        8: ("huitième", "huitièmes"),
        9: ("neuvième", "neuvièmes"),
        10: ("dixième", "dixièmes"),
        12: ("douzième", "douzièmes"),
        16: ("seizième", "seizièmes"),
    },
    part_of=_part_of,
    mixed="et",
    abbreviations={
        r"MM\.(?=\s[A-ZÀ-Þ])": "Messieurs",
        r"M\.(?=\s[A-ZÀ-Þ])": "Monsieur",
        r"Mmes": "Mesdames",
        r"Mme\.?(?=\W|$)": "Madame",
        r"Mlles": "Mesdemoiselles",
        r"Mlle\.?(?=\W|$)": "Mademoiselle",
        r"Dre(?=\s[A-ZÀ-Þ])": "Docteure",
        r"Dr\.|Dr(?=\s[A-ZÀ-Þ])": "Docteur",
        r"Pr\.|Pr(?=\s[A-ZÀ-Þ])": "Professeur",
        r"Prof\.": "Professeur",
        r"Me(?=\s[A-ZÀ-Þ])": "Maître",
        r"Mgr\.?": "Monseigneur",
        r"[Nn]os(?=\s\d)": "numéros",
        r"[Nn]\s?[°º]|[Nn]o\.?(?=\s?\d)|№": "numéro",
        r"p\.\s?ex\.": "par exemple",
        r"c\.?-à-d\.?": "c'est-à-dire",
        r"etc\.": "et cetera",
        r"cf\.": "voir",
        r"env\.": "environ",
        r"[Tt]él\.": "téléphone",
        r"[Ff]ig\.": "figure",
        r"pp\.(?=\s?\d)": "pages",
        r"p\.(?=\s?\d)": "page",
        r"[Aa]rt\.(?=\s?\d)": "article",
        r"[Cc]hap\.": "chapitre",
        r"[Vv]ol\.(?=\s?\d)": "volume",
        r"[Mm]ax\.": "maximum",
        r"[Mm]in\.(?=\s\D)": "minimum",
        r"[Aa]v\.\s?J\.-?\s?C\.": "avant Jésus-Christ",
        r"apr?\.\s?J\.-?\s?C\.": "après Jésus-Christ",
        r"[Aa]v\.(?=\s)": "avenue",
        r"[Bb](?:oule)?vd\.?|[Bb]d\.?(?=\s)|boul\.": "boulevard",
        r"pl\.(?=\s)": "place",
        r"St(?=[\s-][A-ZÀ-Þ])": "Saint",
        r"Ste(?=[\s-][A-ZÀ-Þ])": "Sainte",
        r"RDV|rdv": "rendez-vous",
        r"SVP|svp|s\.\s?v\.\s?p\.": "s'il vous plaît",
        r"[ÉE]d\.": "édition",
        r"[Aa]pt\.|appt\.?": "appartement",
        r"[ÉEée]t\.(?=\s)": "étage",
        r"[Bb]ât\.": "bâtiment",
        r"[Dd]ép\.": "département",
        r"Cie": "compagnie",
        r"incl\.": "inclus",
        r"max\.": "maximum",
        r"vs\.?(?=\s)": "contre",
        r"tlj": "tous les jours",
        r"TTC": "toutes taxes comprises",
        r"HT": "hors taxes",
        r"jr\.": "junior",
        r"sq\.": "suivantes",
        r"P\.-?\s?S\.": "post-scriptum",
    },
    months={
        "janv": 1,
        "jan": 1,
        "févr": 2,
        "fév": 2,
        "avr": 4,
        "juil": 7,
        "sept": 9,
        "oct": 10,
        "nov": 11,
        "déc": 12,
    },
    weekdays={
        "lun": "lundi",
        "mer": "mercredi",
        "jeu": "jeudi",
        "ven": "vendredi",
        "sam": "samedi",
        "dim": "dimanche",
        "Lun": "lundi",
        "Mar": "mardi",
        "Mer": "mercredi",
        "Jeu": "jeudi",
        "Ven": "vendredi",
        "Sam": "samedi",
        "Dim": "dimanche",
        "mar": "mardi",
    },
    gender=_gender,
    agree=_agree,
    noun=re.compile(
        r"\s+(?!(?:et|ou|à|au|aux|de|du|des|en|est|sont|pour|par|sur|dans|avec|le|la|les|un|une|qui|"
        r"que|se|il|elle|ne|pas|puis|plus|moins|fait|donne|chez|comme|était)\b)([^\W\d_]{3,})"
    ),
    ordinal=_ordinal,
    ordinal_mark=r"(?:ers?|res?|ères?|eres?|nde?s?|èmes?|emes?|es?|ᵉ|ᵉʳ)(?!\w)",
    date=_date,
    clock=_clock,
    clock_marks=r"(?:\s?(?P<h>(?:heures?|h)\b))",
    date_context=(
        r"(?:[Ll]e|[Dd]u|[Aa]u|[Aa]vant|[Dd]epuis|[Jj]usqu'au|[Dd]ès|lundi|mardi|mercredi|jeudi|"
        r"vendredi|samedi|dimanche)(?:\s(?:le|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche))?"
    ),
    year_context=r"(?:[Ee]n|[Dd]epuis|[Ll]'an|[Aa]nnée|[Vv]ers|[Aa]vant|[Aa]près)",
    times=lambda number, said: "une fois" if number == 1 else f"{said} fois",
    regnal=_regnal,
    rulers=(
        r"Louis|Henri|Charles|François|Napoléon|Philippe|Jean|Paul|Pie|Benoît|Léon|Alexandre|"
        r"Nicolas|Guillaume|Édouard|Elizabeth|Élisabeth|Catherine|George|Georges|Frédéric|Albert|"
        r"Léopold|Clovis|Robert|Jacques|Richard|Pierre|Grégoire|Hassan|Mohammed|Baudouin|Félix"
    ),
    numbered=(
        r"[Cc]hapitre|[Pp]artie|[Tt]ome|[Aa]cte|[Ss]cène|[Vv]olume|[Ll]ivre|[Gg]uerre|[Aa]rticle|"
        r"[Pp]hase|[Tt]itre|[Tt]ype|[Nn]iveau|[Aa]nnexe|[Pp]aris|[Ss]ection|[Ff]igure|[Tt]ableau"
    ),
    code_context=(
        r"(?:[Cc]ode|PIN|[Mm]ot de passe|[Rr]éférence|[Cc]onfirmation|[Cc]ompte|[Rr]éservation|"
        r"[Cc]ode postal|[Dd]ossier|[Bb]illet)(?:\s(?:est|le|numéro|n°|postal|PIN|secret))*\s?:?"
    ),
    phone_context=(
        r"(?:[Aa]ppelez|[Tt]él\.?|[Tt]éléphone|[Ff]ax|[Nn]uméro|[Pp]ortable|[Mm]obile|[Cc]omposez|"
        r"[Jj]oindre|[Cc]ontactez|au)(?:\s(?:le|au|nous|moi|est))*\s?:?"
    ),
    roman_ordinals=(
        r"(?<!\w)(?P<roman>[IVX]+)\s?(?P<mark>ers?|res?|ères?|èmes?|es?|ᵉ)(?=\s[^\W\d])"
    ),
    phone_pairs=True,
    extra={
        r"(?<![\w.,:])(?P<h>[01]?\d|2[0-4])\s?[hH]\s?(?P<m>[0-5]\d)(?!\w)": lambda match: _clock(
            int(match["h"]), int(match["m"]), "h", ""
        ),
        r"(?<![\w/])24\s?[hH]/24(?![\d/])": lambda match: _ALWAYS,
        r"(?<![\w/])24/7(?![\d/])": lambda match: f"{_ALWAYS}, {_DAILY}",
        r"(?<![\w/])7\s?[jJ]/7(?![\d/])": lambda match: _DAILY,
    },
)
