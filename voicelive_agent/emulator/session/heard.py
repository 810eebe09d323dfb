"""How much of an answer was heard: audio played, mapped to words.

The client is assumed to play at once and in real time what it is sent; its own
``conversation.item.truncate`` corrects that. All positions are ms of audio.
"""

import re
from dataclasses import dataclass

from voicelive_agent.emulator.tts import SpokenWord


@dataclass(slots=True)
class Clause:
    """A piece of an answer's text, spoken as one."""

    text: str
    start_char: int
    start_ms: float | None = None
    """Where its audio begins in that of the item; None until there is some."""
    has_words: bool = False
    is_spoken: bool = False


class SpokenText:
    """One spoken item: its text, its audio, and which word ends where in both."""

    def __init__(self) -> None:
        self.text = ""
        """All text sent to the client: the deltas joined."""
        self.audio_ms = 0.0
        """All audio sent to the client."""
        self.appended = ""
        """What stands behind the text where it was cut."""
        self._cut_ms: float | None = None
        self._words: list[tuple[int, float]] = []

    def add_audio(self, clause: Clause, duration_ms: float, words: tuple[SpokenWord, ...]) -> None:
        """The next audio of a clause, and the words known by now."""
        start_ms = self.begin_clause(clause)
        for word in words:
            clause.has_words = True
            end_char = clause.start_char + min(word.text_end, len(clause.text))
            self._words.append((end_char, start_ms + word.offset_ms + word.duration_ms))
        self.audio_ms += duration_ms

    def begin_clause(self, clause: Clause) -> float:
        """Where the clause's audio begins."""
        if clause.start_ms is None:
            clause.start_ms = self.audio_ms
        return clause.start_ms

    def end_clause(self, clause: Clause) -> None:
        """All audio of the clause has been added; estimates word timings that no engine gave."""
        start_ms = self.begin_clause(clause)
        clause.is_spoken = True
        if not clause.has_words and clause.text:
            duration_ms = self.audio_ms - start_ms
            for word in re.finditer(r"\S+", clause.text):
                share = word.end() / len(clause.text)
                self._words.append((clause.start_char + word.end(), start_ms + share * duration_ms))

    def cut(self, at_ms: float) -> None:
        """Keep only what was played up to here."""
        self._cut_ms = at_ms

    @property
    def is_cut(self) -> bool:
        return self._cut_ms is not None

    @property
    def heard_ms(self) -> float:
        return self.audio_ms if self._cut_ms is None else self._cut_ms

    def text_before_cut(self) -> str:
        """The words that were played; all of them where nothing was cut."""
        if self._cut_ms is None:
            return self.text
        # Word ends are rounded to ms by the engines.
        end = max((char for char, end_ms in self._words if end_ms <= self._cut_ms + 1), default=0)
        return self.text[:end]

    def kept_text(self) -> str:
        """The text as the conversation holds it: all of it, or the words before the cut."""
        if self._cut_ms is None:
            return self.text
        kept = self.text_before_cut()
        return f"{kept} {self.appended}".strip() if self.appended else kept


class PlaybackEstimate:
    """What the client has yet to play, given on the session's clock."""

    def __init__(self) -> None:
        self._ends_ms = 0.0
        self._tracks: list[tuple[SpokenText, float]] = []
        self._sent_ms = 0.0

    def add(self, item: SpokenText, duration_ms: float, now_ms: float) -> None:
        """Audio of an item was sent just now. Call before the item counts it itself.

        What comes of an item after the client cut it is not played.
        """
        if item.is_cut:
            return
        self._forget_played(now_ms)
        if not self._tracks or self._tracks[-1][0] is not item:
            self._tracks.append((item, self._sent_ms - item.audio_ms))
        self._ends_ms = max(self._ends_ms, now_ms) + duration_ms
        self._sent_ms += duration_ms

    @property
    def ends_ms(self) -> float:
        """When the client will have played all that it has."""
        return self._ends_ms

    def is_playing(self, now_ms: float) -> bool:
        return now_ms < self._ends_ms

    def stop(self, now_ms: float) -> list[tuple[SpokenText, float]]:
        """The client drops what it hasn't played: the items cut, each with its ms played."""
        position_ms = self._position_ms(now_ms)
        cut = [
            (item, min(max(0.0, position_ms - start_ms), item.audio_ms))
            for item, start_ms in self._tracks
            if position_ms < start_ms + item.audio_ms
        ]
        self._tracks.clear()
        self._sent_ms = position_ms
        self._ends_ms = min(self._ends_ms, now_ms)
        return cut

    def forget(self, item: SpokenText, now_ms: float) -> None:
        """The client says how much of the item it played, so it doesn't play it any more."""
        self._forget_played(now_ms)
        if any(track is item for track, _ in self._tracks):
            self.stop(now_ms)

    def _position_ms(self, now_ms: float) -> float:
        return self._sent_ms - max(0.0, self._ends_ms - now_ms)

    def _forget_played(self, now_ms: float) -> None:
        position_ms = self._position_ms(now_ms)
        self._tracks = [
            (item, start_ms)
            for item, start_ms in self._tracks
            if position_ms < start_ms + item.audio_ms
        ]
