"""Spoken forms: the words, by language, for marks that have none of their own."""

from dataclasses import dataclass, replace
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class SpokenForms:
    """What is said in place of things that have no words of their own."""

    code: str = "(a piece of code)"
    """For a block of code; empty to leave it out."""
    formula: str = "(a formula)"
    """For one that is too long for words."""
    pause: str = ", "
    """Between the cells of a table."""
    stop: str = "."
    """After a heading, list item or table row that ends without punctuation."""
    yes: str = "yes"
    no: str = "no"
    done: str = "done"
    to_do: str = "to do"
    to: str = "to"
    up: str = "up"
    down: str = "down"
    star: str = "1 star"
    stars: str = "stars"
    rating: str = "{} out of {} stars"
    """A rating of so many stars; without the most there can be: ``{} `` and ``stars``."""
    warning: str = "warning"
    red: str = "red"
    yellow: str = "yellow"
    green: str = "green"
    plus: str = "plus"
    minus: str = "minus"
    times: str = "times"
    divided_by: str = "divided by"
    equals: str = "equals"
    over: str = "over"
    square_root_of: str = "the square root of"
    root_of: str = "the {} root of"
    to_the_power_of: str = "to the power of"
    squared: str = "squared"
    cubed: str = "cubed"
    less_than: str = "less than"
    greater_than: str = "greater than"
    at_most: str = "less than or equal to"
    at_least: str = "greater than or equal to"
    unequal: str = "not equal to"
    approximately: str = "approximately"
    infinity: str = "infinity"
    sum: str = "the sum"
    integral: str = "the integral"
    degrees: str = "degrees"
    language: str = "en"
    """In which the names of pictures are said."""


# In the order of the fields, after ``stop``.
_WORDS = {
    "de": (
        "(ein Stück Code)|(eine Formel)|ja|nein|erledigt|offen|bis|rauf|runter|1 Stern|Sterne|"
        "{} von {} Sternen|Warnung|rot|gelb|grün|plus|minus|mal|geteilt durch|gleich|durch|"
        "die Wurzel aus|die {}. Wurzel aus|hoch|zum Quadrat|hoch drei|kleiner als|größer als|"
        "kleiner oder gleich|größer oder gleich|ungleich|ungefähr|unendlich|die Summe|"
        "das Integral|Grad"
    ),
    "es": (
        "(un fragmento de código)|(una fórmula)|sí|no|hecho|pendiente|a|arriba|abajo|1 estrella|"
        "estrellas|{} de {} estrellas|atención|rojo|amarillo|verde|más|menos|por|dividido entre|"
        "igual a|sobre|la raíz cuadrada de|la raíz {} de|elevado a|al cuadrado|al cubo|menor que|"
        "mayor que|menor o igual que|mayor o igual que|distinto de|aproximadamente|infinito|"
        "la suma|la integral|grados"
    ),
    "fr": (
        "(un extrait de code)|(une formule)|oui|non|fait|à faire|à|en hausse|en baisse|1 étoile|"
        "étoiles|{} étoiles sur {}|attention|rouge|jaune|vert|plus|moins|fois|divisé par|égale|"
        "sur|la racine carrée de|la racine {} de|puissance|au carré|au cube|inférieur à|"
        "supérieur à|inférieur ou égal à|supérieur ou égal à|différent de|environ|infini|"
        "la somme|l'intégrale|degrés"
    ),
    "it": (
        "(un frammento di codice)|(una formula)|sì|no|fatto|da fare|a|su|giù|1 stella|stelle|"
        "{} stelle su {}|attenzione|rosso|giallo|verde|più|meno|per|diviso|uguale a|su|"
        "la radice quadrata di|la radice {} di|alla|al quadrato|al cubo|minore di|maggiore di|"
        "minore o uguale a|maggiore o uguale a|diverso da|circa|infinito|la somma|"
        "l'integrale|gradi"
    ),
    "nl": (
        "(een stuk code)|(een formule)|ja|nee|gedaan|te doen|tot|omhoog|omlaag|1 ster|sterren|"
        "{} van de {} sterren|waarschuwing|rood|geel|groen|plus|min|keer|gedeeld door|is|"
        "gedeeld door|de wortel van|de {}e wortel van|tot de macht|kwadraat|tot de derde|"
        "kleiner dan|groter dan|kleiner dan of gelijk aan|groter dan of gelijk aan|"
        "ongelijk aan|ongeveer|oneindig|de som|de integraal|graden"
    ),
    "pt": (
        "(um trecho de código)|(uma fórmula)|sim|não|feito|por fazer|a|acima|abaixo|1 estrela|"
        "estrelas|{} de {} estrelas|atenção|vermelho|amarelo|verde|mais|menos|vezes|"
        "dividido por|igual a|sobre|a raiz quadrada de|a raiz {} de|elevado a|ao quadrado|"
        "ao cubo|menor que|maior que|menor ou igual a|maior ou igual a|diferente de|"
        "aproximadamente|infinito|a soma|a integral|graus"
    ),
    "ja": (
        "(コード)|(数式)|はい|いいえ|済み|未完了|から|上昇|下降|星1つ|星|星{}つ、満点{}|警告|赤|黄|緑|"
        "足す|引く|掛ける|割る|イコール|割る|ルート|{}乗根|の累乗|の2乗|の3乗|小なり|大なり|以下|以上|"
        "ノットイコール|およそ|無限大|総和|積分|度"
    ),
    "zh": (
        "(一段代码)|(一个公式)|是|否|已完成|未完成|到|上升|下降|1星|星|{}星，满分{}星|警告|红色|黄色|"
        "绿色|加|减|乘以|除以|等于|除以|根号|{}次根号|的次方|的平方|的立方|小于|大于|小于等于|大于等于|"
        "不等于|约等于|无穷大|求和|积分|度"
    ),
}
_WIDE = {"ja": ("、", "。"), "zh": ("，", "。")}


@lru_cache(maxsize=64)
def find_forms(language: str) -> SpokenForms:
    """The spoken forms of a BCP-47 language; English where there are none."""
    base = language.lower().split("-")[0]
    if base not in _WORDS:
        return SpokenForms()
    code, formula, *words = _WORDS[base].split("|")
    wide = _WIDE.get(base, (", ", "."))
    return replace(SpokenForms(code, formula, *wide, *words), language=base)
