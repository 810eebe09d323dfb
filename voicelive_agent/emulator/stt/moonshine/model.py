"""Moonshine's model: encoder and decoder on onnxruntime, and the tokens that they write.

Two graphs: the encoder takes samples at 16 kHz, the decoder writes one token after another from
what the encoder made of them, keeping the keys and values of what it wrote. Several tokens at once
take the decoder little more time than one: a guess of what it will write (``draft``) is checked by
one run, and only what differs is written token by token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ

FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
TOKENS_PER_S = 6.5
"""The publisher's bound: who says more in a second is a loop."""
_SHORTEST_SAMPLES = SAMPLE_RATE_HZ // 10
_BEGIN, _END = 1, 2
_GUESSED = 6
"""So many tokens of a draft are tried at a time behind one that differed from it."""
_BYTE_TOKENS = range(3, 259)
_HEADS, _HEAD_SIZE = 8, 36

_UNKNOWN_RANK = 1 << 30

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the encoder made of samples."""

    hidden: npt.NDArray[np.float32]
    samples: int


@dataclass(frozen=True, slots=True)
class Decoding:
    """Tokens as the decoder wrote them, and how probable each was."""

    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    """Of the tokens, and of the end of the text behind them."""
    is_cut: bool
    """It came to the bound before it had ended."""
    begin: dict[str, Any]
    """The decoder's inputs before the text, with what it made of the encoding."""


class MoonshineModel:
    """A loaded model. ``decode`` may be called by several threads at once; it frees the GIL."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Load the model, which takes half a second. Raises OSError, and what onnxruntime does."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3

        def load(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )

        self._encoder, self._decoder = load(FILES[0]), load(FILES[1])
        self.vocabulary = read_tokens((folder / FILES[2]).read_bytes())
        self._ranks = {
            text: rank
            for rank, text in reversed(list(enumerate(self.vocabulary)))
            if text and rank not in _BYTE_TOKENS
        }
        names = [value.name for value in self._decoder.get_outputs()]
        self._logits = names.index("logits")
        self._past = {
            value.name: names.index(value.name.replace("past_key_values", "present"))
            for value in self._decoder.get_inputs()
            if value.name.startswith("past_")
        }

    def encode(self, samples: Samples) -> Encoding:
        """Up to about 30 s of samples from -1 to 1."""
        short = max(0, _SHORTEST_SAMPLES - len(samples))
        samples = np.pad(samples, (0, short)).astype(np.float32)
        mask = np.ones((1, len(samples)), np.int64)
        hidden = self._encoder.run(None, {"input_values": samples[None], "attention_mask": mask})[0]
        return Encoding(hidden, len(samples))

    def decode(self, encoding: Encoding, draft: Sequence[int] = ()) -> Decoding:
        """What was said, each token being the most probable one.

        ``draft`` is what will probably be written: it changes how long that takes, and no text but
        where two are as probable.
        """
        limit = round(encoding.samples / SAMPLE_RATE_HZ * TOKENS_PER_S) + 4
        inputs = self._give(encoding)
        tokens: list[int] = []
        probabilities: list[float] = []
        at, guess = 0, draft[: limit - 1]
        while len(tokens) < limit and tokens[-1:] != [_END]:
            logits, inputs = self._run(inputs, [tokens[-1] if tokens else _BEGIN, *guess])
            best = logits.argmax(axis=1).tolist()
            agreed = _count_agreed(guess, best)
            new = best[: agreed + 1]
            probabilities += np.exp(logits[np.arange(len(new)), new]).tolist()
            tokens += new
            inputs = _keep(inputs, len(tokens))
            at = _find_next(draft, at + agreed, new[-1])
            guess = draft[at : at + min(_GUESSED, limit - len(tokens) - 1)]
        is_cut = tokens[-1:] != [_END]
        written = tuple(tokens if is_cut else tokens[:-1])
        return Decoding(written, tuple(probabilities), is_cut, _keep(inputs, 0))

    def force(self, decoding: Decoding, text: str) -> Decoding:
        """The same sound with ``text`` as what was said, and nothing else."""
        tokens, scores = self._follow(decoding, text)
        return Decoding(tokens, tuple(np.exp(scores).tolist()), False, decoding.begin)

    def score(self, decoding: Decoding, text: str) -> float:
        """How probable it is that this was said, and nothing else: a logarithm."""
        return float(self._follow(decoding, text)[1].sum())

    def score_beginnings(self, decoding: Decoding) -> npt.NDArray[np.float32]:
        """How probable each token is as the first that was said, as logarithms."""
        logits, _ = self._run(decoding.begin, [_BEGIN])
        return np.asarray(logits[0])

    def _follow(
        self, decoding: Decoding, text: str
    ) -> tuple[tuple[int, ...], npt.NDArray[np.float32]]:
        """A text's tokens, and how probable each of them and the end are, as logarithms."""
        tokens = tuple(self.split(text))
        logits, _ = self._run(decoding.begin, [_BEGIN, *tokens])
        return tokens, logits[np.arange(len(tokens) + 1), [*tokens, _END]]

    def _give(self, encoding: Encoding) -> dict[str, Any]:
        """The decoder's inputs before it wrote anything."""
        # The decoder's mask has the length of the samples, not of what the encoder made of them.
        mask = np.ones((1, encoding.samples), np.int64)
        empty = np.zeros((1, _HEADS, 0, _HEAD_SIZE), np.float32)
        return {
            "encoder_hidden_states": encoding.hidden,
            "encoder_attention_mask": mask,
            **dict.fromkeys(self._past, empty),
        }

    def _run(
        self, inputs: dict[str, Any], tokens: Sequence[int]
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """How probable each token is behind each of ``tokens``, as logarithms; the next inputs."""
        is_begun = "use_cache_branch" in inputs
        given = {
            **inputs,
            "input_ids": np.array([tokens], np.int64),
            "use_cache_branch": np.array([is_begun]),
        }
        outputs = self._decoder.run(None, given)
        for name, index in self._past.items():
            # What comes of the encoder stays as it was made with the first token.
            if not is_begun or ".encoder." not in name:
                given[name] = outputs[index]
        logits = outputs[self._logits][0]
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits, given

    def spell(self, tokens: tuple[int, ...]) -> str:
        """Tokens as text."""
        spelled = b"".join(self.vocabulary[token] for token in tokens)
        return spelled.decode("utf-8", "replace")

    def split(self, text: str) -> list[int]:
        """Text as tokens: the neighbours that make the token of the lowest number join first."""
        parts = [char.encode() for char in f" {text}"]
        while len(parts) > 1:
            joins = [self._ranks.get(a + b, _UNKNOWN_RANK) for a, b in pairwise(parts)]
            rank = min(joins)
            if rank == _UNKNOWN_RANK:
                break
            at = joins.index(rank)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        tokens: list[int] = []
        for part in parts:
            known = self._ranks.get(part)
            tokens += [known] if known else [byte + _BYTE_TOKENS.start for byte in part]
        return tokens


def _keep(inputs: dict[str, Any], size: int) -> dict[str, Any]:
    """The decoder's inputs with the keys and values of its first tokens alone."""
    return {
        name: value[:, :, :size] if ".decoder." in name else value for name, value in inputs.items()
    }


def _count_agreed(guess: Sequence[int], best: Sequence[int]) -> int:
    """How many tokens from the first on are as they were guessed."""
    pairs = zip(guess, best, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), len(guess))


def _find_next(draft: Sequence[int], at: int, token: int) -> int:
    """Where a draft goes on behind a token that stands for the one at ``at``, or was skipped."""
    for place in range(at, min(at + _GUESSED, len(draft))):
        if draft[place] == token:
            return place + 1
    return at + 1


def read_tokens(data: bytes) -> list[bytes]:
    """The texts of the tokens in ``tokenizer.bin``: each behind its length in one byte or two.

    Of two, the first is 128 and more, with the lower seven bits; special tokens are empty, and a
    word begins with a space.
    """
    tokens, at = [], 0
    while at < len(data):
        size = data[at]
        at += 1
        if size >= 128:
            size += data[at] * 128 - 128
            at += 1
        text = data[at : at + size]
        at += size
        is_special = text.startswith(b"<") and text.endswith(b">")
        tokens.append(b"" if is_special else text.replace("▁".encode(), b" "))
    return tokens
