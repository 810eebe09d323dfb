"""Rules of text normalization: which written forms there are, in the order in which they count."""

import re
from dataclasses import dataclass
from functools import cache, partial

from voicelive_agent.emulator.tts.text.normalization import (
    amounts,
    calendar_forms,
    identifiers,
    plain_numbers,
)
from voicelive_agent.emulator.tts.text.normalization.languages.english import ENGLISH
from voicelive_agent.emulator.tts.text.normalization.languages.french import FRENCH
from voicelive_agent.emulator.tts.text.normalization.languages.german import GERMAN
from voicelive_agent.emulator.tts.text.normalization.languages.italian import ITALIAN
from voicelive_agent.emulator.tts.text.normalization.languages.regions import adapt_to_region
from voicelive_agent.emulator.tts.text.normalization.languages.spanish import SPANISH
from voicelive_agent.emulator.tts.text.normalization.table import LanguageTable, Rules, Say

TABLES = {table.code: table for table in (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A written form, and what is said for it; None leaves it to the rules that follow.

    Where the pattern has a group ``said``, the rest of the match is only looked at.
    """

    pattern: re.Pattern[str]
    say: Say


@cache
def find_rules(language: str) -> tuple[Rule, ...]:
    """The rules of a language (BCP-47); none for one that has no table."""
    code, _, region = language.partition("-")
    table = TABLES.get(code.lower())
    if table is None:
        return ()
    table = adapt_to_region(table, region.upper())
    found = [
        *table.extra.items(),
        *identifiers.list_addresses(table),
        *calendar_forms.list_rules(table),
        *identifiers.list_phones(table),
        *amounts.list_rules(table),
        *identifiers.list_codes(table),
        *plain_numbers.list_rules(table),
        *_list_abbreviations(table),
        *plain_numbers.list_signs(table),
    ]
    return tuple(Rule(re.compile(pattern), say) for pattern, say in found)


def _list_abbreviations(table: LanguageTable) -> Rules:
    return [
        (rf"(?<![\w.])(?:{pattern})", partial(_say_constant, said))
        for pattern, said in table.abbreviations.items()
    ]


def _say_constant(said: str, match: re.Match[str]) -> str:
    return said
