"""Written forms of French, each row of its table with its cases."""

import pytest

from voicelive_agent.emulator.tts.text.spoken_form import write_out

CASES = {
    "always, cents and powers": {
        "24 h/24 et 7j/7": "vingt-quatre heures sur vingt-quatre et sept jours sur sept",
        "24/7": "vingt-quatre heures sur vingt-quatre, sept jours sur sept",
        "20 ct": "vingt centimes",
        "2^10": "deux puissance dix",
        "porte 4B": "porte quatre B",
    },
    "money": {
        "Ça coûte 5 €.": "Ça coûte cinq euros.",
        "5,50 €": "cinq euros cinquante",
        "1 €": "un euro",
        "21 €": "vingt et un euros",
        "0,99 €": "quatre-vingt-dix-neuf centimes",
        "1 234,50 €": "mille deux cent trente-quatre euros cinquante",
        "20 CHF": "vingt francs suisses",
        "2 M€": "deux millions d'euros",
        "5 k€": "cinq mille euros",
        "3 Md€": "trois milliards d'euros",
        "1,5 million d'euros": "un virgule cinq million d'euros",
        "$2M": "deux millions de dollars",
        "5-10 €": "cinq à dix euros",
        "5 €/mois": "cinq euros par mois",
        "£21": "vingt et une livres",
        "1 000 000 €": "un million d'euros",
        "80 €": "quatre-vingts euros",
    },
    "ranges": {
        "Ouvert 9h-17h": "Ouvert neuf heures à dix-sept heures",
        "3-5 jours": "trois à cinq jours",
        "pages 5–10": "pages cinq à dix",
        "2019–2021": "deux mille dix-neuf à deux mille vingt et un",
        "lun-ven 9h-17h": "lundi à vendredi neuf heures à dix-sept heures",
        "5-10 %": "cinq à dix pour cent",
        "du 3 au 5 octobre": "du trois au cinq octobre",
    },
    "phones": {
        "Appelez le 01 23 45 67 89.": (
            "Appelez le zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf."
        ),
        "+33 1 23 45 67 89": (
            "plus trente-trois, un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf"
        ),
        "06.12.34.56.78": "zéro six, douze, trente-quatre, cinquante-six, soixante-dix-huit",
        "0612345678": "zéro six, douze, trente-quatre, cinquante-six, soixante-dix-huit",
        "0800 123 456": "zéro huit zéro zéro, un deux trois, quatre cinq six",
    },
    "dates": {
        "Le 28/11/2026": "Le vingt-huit novembre deux mille vingt-six",
        "le 28 novembre 2026": "le vingt-huit novembre deux mille vingt-six",
        "le 1er mai": "le premier mai",
        "le 1 mai 2026": "le premier mai deux mille vingt-six",
        "2026-11-28": "vingt-huit novembre deux mille vingt-six",
        "le 28/11": "le vingt-huit novembre",
        "le 3 janv. 2026": "le trois janvier deux mille vingt-six",
        "sam. 28 nov. 2026": "samedi vingt-huit novembre deux mille vingt-six",
    },
    "times": {
        "14h30": "quatorze heures trente",
        "14 h 30": "quatorze heures trente",
        "de 9 h à 17 h": "de neuf heures à dix-sept heures",
        "14:30": "quatorze heures trente",
        "1h": "une heure",
        "21h": "vingt et une heures",
        "0h30": "zéro heure trente",
        "9:05": "neuf heures cinq",
    },
    "units": {
        "-3 °C": "moins trois degrés Celsius",
        "20 °C": "vingt degrés Celsius",
        "100 km/h": "cent kilomètres heure",
        "5 kg": "cinq kilogrammes",
        "1 kg": "un kilogramme",
        "16 Go": "seize gigaoctets",
        "50 m²": "cinquante mètres carrés",
        "30 min": "trente minutes",
    },
    "fractions": {
        "½ tasse": "une demi-tasse",
        "1/2 heure": "une demi-heure",
        "1 ½ heure": "une heure et demie",
        "1 1/2 tasses": "une tasse et demie",
        "2 1/2": "deux et demi",
        "3/4": "trois quarts",
        "1/4 de litre": "un quart de litre",
        "3/4 tasse": "trois quarts de tasse",
    },
    "ordinals": {
        "1er": "premier",
        "1re": "première",
        "1ère": "première",
        "2e": "deuxième",
        "2ème": "deuxième",
        "3e étage": "troisième étage",
        "21e": "vingt et unième",
    },
    "abbreviations": {
        "M. Dupont": "Monsieur Dupont",
        "Mme Martin": "Madame Martin",
        "Mlle Durand": "Mademoiselle Durand",
        "Dr Petit": "Docteur Petit",
        "n° 5": "numéro cinq",
        "p. ex. cela": "par exemple cela",
        "c.-à-d. ceci": "c'est-à-dire ceci",
        "etc.": "et cetera.",
        "av. Foch": "avenue Foch",
        "p. 12": "page douze",
        "St-Malo": "Saint-Malo",
        "12 bd Voltaire": "douze boulevard Voltaire",
    },
    "percent": {
        "5 %": "cinq pour cent",
        "5,5 %": "cinq virgule cinq pour cent",
    },
    "roman": {
        "Louis XIV": "Louis quatorze",
        "François Ier": "François premier",
        "chapitre IV": "chapitre quatre",
        "le XXe siècle": "le vingtième siècle",
        "le XIXe siècle": "le dix-neuvième siècle",
    },
    "codes": {
        "Version 3.5": "Version trois point cinq",
        "v2.0.1": "version deux point zéro point un",
        "A1B2": "A un B deux",
    },
    "addresses": {
        "www.exemple.fr": "W W W point exemple point F R",
        "moi@exemple.fr": "moi arobase exemple point F R",
    },
    "numbers": {
        "3,14": "trois virgule quatorze",
        "3,05": "trois virgule zéro cinq",
        "1 000 000": "un million",
        "1 234": "mille deux cent trente-quatre",
        "0,5": "zéro virgule cinq",
        "1 heure": "une heure",
        "1 jour": "un jour",
        "21 personnes": "vingt et une personnes",
        "1 page": "une page",
        "21 jours": "vingt et un jours",
        "80": "quatre-vingts",
        "chambre 1": "chambre un",
        "1 nuit": "une nuit",
        "-5": "moins cinq",
    },
    "years": {
        "En 1999": "En mille neuf cent quatre-vingt-dix-neuf",
        "en 2026": "en deux mille vingt-six",
    },
    "signs": {
        "3 x 4": "trois par quatre",
        "2x": "deux fois",
        "5 + 3 = 8": "cinq plus trois égale huit",
        "R&D": "R et D",
    },
}


@pytest.mark.parametrize(
    ("written", "said"),
    [case for cases in CASES.values() for case in cases.items()],
)
def test_written_forms_are_said(written: str, said: str) -> None:
    assert write_out(written, "fr").text == said
