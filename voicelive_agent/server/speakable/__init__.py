"""Streamed model text made speakable, without holding it back.

Thoughts, tool calls and special tokens go; Markdown, HTML, links, code, tables, formulas, emoji and
citation marks go or become words; plain prose
passes through untouched and at once. Only a tail waits that may still become one of these, and
never more than ``LOOKAHEAD_CHARS`` of it. However a text is cut into deltas, what is said is the
same.
"""

from voicelive_agent.server.speakable.lookahead import LOOKAHEAD_CHARS
from voicelive_agent.server.speakable.speakable_text import SpeakableText, speakable
from voicelive_agent.server.speakable.spoken_forms import SpokenForms, find_forms

__all__ = ["LOOKAHEAD_CHARS", "SpeakableText", "SpokenForms", "find_forms", "speakable"]
