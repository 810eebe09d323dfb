"""Streamed model text made speakable, without holding it back.

Markdown, HTML, links, code, tables, emoji and citation marks go or become words; plain prose
passes through untouched and at once. Only a tail waits that may still become one of these, and
never more than ``LOOKAHEAD_CHARS`` of it. However a text is cut into deltas, what is said is the
same.
"""

from app.speech.lookahead import LOOKAHEAD_CHARS
from app.speech.spoken import SpokenForms
from app.speech.stream import SpeakableText, speakable

__all__ = ["LOOKAHEAD_CHARS", "SpeakableText", "SpokenForms", "speakable"]
