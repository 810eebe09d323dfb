"""What callers of the front desk say, for a recogniser."""

from examples.front_desk import house
from examples.front_desk.when import MONTHS, WEEKDAYS

COMMANDS = (
    "book a table", "cancel my booking", "change my booking", "opening hours", "half past",
    "quarter to", "quarter past", "o'clock", "tonight", "tomorrow", "the day after tomorrow",
    "under the name", "party of", "confirmation code", "say that again", "goodbye",
)  # fmt: skip


def phrase_list() -> list[str]:
    """Names and commands that a recogniser should favour (``phrase_list`` of a session)."""
    days = [day.capitalize() for day in (*WEEKDAYS, *MONTHS)]
    dishes = [dish for dish, _ in house.MENU]
    return [house.NAME, *(one.city for one in house.WEATHER), *dishes, *days, *COMMANDS]


def phrases() -> list[str]:
    """Whole sentences (``phrases.txt``), one for each way to say what the desk understands."""
    from importlib.resources import files  # late: no turn needs it

    text = files("examples.front_desk").joinpath("phrases.txt").read_text(encoding="utf-8")
    return text.splitlines()
