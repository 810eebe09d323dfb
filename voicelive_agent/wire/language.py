"""Language tags (BCP-47) of sessions, agents and settings: ``en``, ``zh-Hant-TW``."""

import re

# Of RFC 5646's grammar what real tags use: language, script, region, variants, extensions.
_TAG = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[A-Za-z0-9](?:-[A-Za-z0-9]{2,8})+)*"
)


def is_language_tag(text: str) -> bool:
    """Whether it is a well-formed tag; ``de_DE.UTF-8`` of a desktop's environment is not."""
    return _TAG.fullmatch(text) is not None
