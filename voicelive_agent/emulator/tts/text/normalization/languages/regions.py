"""Regions of a language: what is written otherwise than in the country of its table."""

from dataclasses import replace

from voicelive_agent.emulator.tts.text.normalization.table import Currency, LanguageTable

_DECIMAL_POINT = frozenset(["MX", "US", "419", "GT", "HN", "NI", "PA", "PR", "SV", "DO", "PE"])
"""Spanish-speaking countries that write 1,234.50."""
_PESOS = frozenset(["MX", "AR", "CL", "CO", "UY", "DO", "CU"])


def adapt_to_region(table: LanguageTable, region: str) -> LanguageTable:
    if table.code == "en" and region not in ("", "US", "PH"):
        return replace(table, day_first=True)
    if region in ("CH", "LI") and table.code in ("de", "it"):
        return replace(
            table,
            decimal=".",
            groups="'’\u00a0\u202f ",
            words={**table.words, "decimal": _dot(table)},
        )
    if table.code == "es":
        if region in _DECIMAL_POINT:
            words = {**table.words, "decimal": "punto"}
            table = replace(table, decimal=".", groups=",\u00a0\u202f ", words=words)
        if region in _PESOS:
            pesos = {**table.currencies, "PESO": Currency("peso", "pesos", "centavo", "centavos")}
            table = replace(table, dollar="PESO", currencies=pesos)
    return table


def _dot(table: LanguageTable) -> str:
    return table.words["dot"]
