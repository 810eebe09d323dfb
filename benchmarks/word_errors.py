"""Word errors: how many edits turn what was said into what was heard."""

from dataclasses import dataclass

from voicelive_agent.emulator.stt.phrases import split_words


@dataclass
class WordErrors:
    """Words that were said, and edits that turn them into those that were heard."""

    words: int = 0
    errors: int = 0

    @property
    def rate(self) -> float:
        return self.errors / max(self.words, 1)

    def add(self, said: str, heard: str) -> int:
        """Count one utterance; its errors."""
        wanted, got = split_words(said), split_words(heard)
        edits = count_edits(wanted, got)
        self.words += len(wanted)
        self.errors += edits
        return edits


def count_edits(wanted: list[str], got: list[str]) -> int:
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, 1):
        above, row = row, [number]
        for column, other in enumerate(got):
            row.append(min(above[column + 1] + 1, row[column] + 1, above[column] + (word != other)))
    return row[-1]
