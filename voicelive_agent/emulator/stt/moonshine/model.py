"""Moonshine's model: encoder and decoder on onnxruntime, and the tokens that they write.

Two graphs: the encoder takes samples at 16 kHz, the decoder writes one token after another from
what the encoder made of them, keeping the keys and values of what it wrote.
"""

import time
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
_BYTE_TOKENS = range(3, 259)
_HEADS, _HEAD_SIZE = 8, 36

_UNKNOWN_RANK = 1 << 30

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the encoder made of samples."""

    hidden: npt.NDArray[np.float32]
    samples: int
    cost_s: float
    """CPU time of the thread."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """Tokens as the decoder wrote them, and how probable each was."""

    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    """Of the tokens, and of the end of the text behind them."""
    is_cut: bool
    """It came to the bound before it had ended."""
    cost_s: float
    """CPU time of the thread."""


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
        self._logits_name = "logits"
        self._logits = names.index(self._logits_name)
        self._past = {
            value.name: names.index(value.name.replace("past_key_values", "present"))
            for value in self._decoder.get_inputs()
            if value.name.startswith("past_")
        }

    def encode(self, samples: Samples) -> Encoding:
        """Up to about 30 s of samples from -1 to 1."""
        began_s = time.thread_time()
        short = max(0, _SHORTEST_SAMPLES - len(samples))
        samples = np.pad(samples, (0, short)).astype(np.float32)
        mask = np.ones((1, len(samples)), np.int64)
        hidden = self._encoder.run(None, {"input_values": samples[None], "attention_mask": mask})[0]
        return Encoding(hidden, len(samples), time.thread_time() - began_s)

    def decode(self, encoding: Encoding) -> Decoding:
        """What was said, each token being the most probable one."""
        began_s = time.thread_time()
        limit = round(encoding.samples / SAMPLE_RATE_HZ * TOKENS_PER_S) + 4
        tokens, probabilities = self._write(self._give(encoding), limit)
        is_cut = tokens[-1:] != [_END]
        return Decoding(
            tuple(tokens if is_cut else tokens[:-1]),
            tuple(probabilities),
            is_cut,
            encoding.cost_s + time.thread_time() - began_s,
        )

    def score(self, encoding: Encoding, text: str) -> float:
        """How probable it is that this was said, and nothing else: a logarithm."""
        tokens = [*self.split(text), _END]
        inputs = self._give(encoding)
        inputs["input_ids"] = np.array([[_BEGIN, *tokens[:-1]]], np.int64)
        inputs["use_cache_branch"] = np.array([False])
        logits = self._decoder.run([self._logits_name], inputs)[0][0].astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        sums = np.log(np.exp(logits).sum(axis=1))
        return float((logits[np.arange(len(tokens)), tokens] - sums).sum())

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

    def _write(self, inputs: dict[str, Any], limit: int) -> tuple[list[int], list[float]]:
        """Tokens up to the end, or to as many as ``limit``, and their probabilities."""
        tokens: list[int] = []
        probabilities: list[float] = []
        while len(tokens) < limit and tokens[-1:] != [_END]:
            last = tokens[-1] if tokens else _BEGIN
            inputs["input_ids"] = np.array([[last]], np.int64)
            inputs["use_cache_branch"] = np.array([bool(tokens)])
            outputs = self._decoder.run(None, inputs)
            logits = outputs[self._logits][0, -1]
            token = int(logits.argmax())
            for name, index in self._past.items():
                # What comes of the encoder stays as it was made with the first token.
                if not tokens or ".encoder." not in name:
                    inputs[name] = outputs[index]
            tokens.append(token)
            probabilities.append(float(1 / np.exp(logits - logits[token]).sum()))
        return tokens, probabilities

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
