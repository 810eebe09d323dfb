"""Numbers as words, as an English recogniser writes them."""

# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on


def spell_number(digits: str) -> str:
    """Up to 9999 as a number, longer ones and those with a leading zero digit by digit."""
    value = int(digits)
    if len(digits) > 4 or digits != str(value):
        return " ".join(_SMALL[int(digit)] for digit in digits)
    return _spell(value)


def _spell(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return _TENS[tens - 2] + (f" {_SMALL[rest]}" if rest else "")
    unit, name = (1000, "thousand") if value >= 1000 else (100, "hundred")
    count, rest = divmod(value, unit)
    return f"{_spell(count)} {name}" + (f" {_spell(rest)}" if rest else "")
