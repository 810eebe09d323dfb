"""Moonshine's model: encoder and decoder on onnxruntime, and the tokens that they write.

Two graphs: the encoder takes samples at 16 kHz, the decoder writes one token after another from
what the encoder made of them, keeping the keys and values of what it wrote.
"""

import time
from dataclasses import dataclass
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

Samples = npt.NDArray[np.float32]


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
        names = [value.name for value in self._decoder.get_outputs()]
        self._logits = names.index("logits")
        self._past = {
            value.name: names.index(value.name.replace("past_key_values", "present"))
            for value in self._decoder.get_inputs()
            if value.name.startswith("past_")
        }

    def decode(self, samples: Samples) -> Decoding:
        """What was said in up to about 30 s of samples from -1 to 1."""
        began_s = time.thread_time()
        short = max(0, _SHORTEST_SAMPLES - len(samples))
        samples = np.pad(samples, (0, short)).astype(np.float32)
        mask = np.ones((1, len(samples)), np.int64)
        encoded = self._encoder.run(None, {"input_values": samples[None], "attention_mask": mask})[
            0
        ]
        # The decoder's mask has the length of the samples, not of what the encoder made of them.
        inputs: dict[str, Any] = {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
        empty = np.zeros((1, _HEADS, 0, _HEAD_SIZE), np.float32)
        inputs |= dict.fromkeys(self._past, empty)
        tokens, probabilities = self._write(
            inputs, round(len(samples) / SAMPLE_RATE_HZ * TOKENS_PER_S) + 4
        )
        is_cut = tokens[-1:] != [_END]
        return Decoding(
            tuple(tokens if is_cut else tokens[:-1]),
            tuple(probabilities),
            is_cut,
            time.thread_time() - began_s,
        )

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
