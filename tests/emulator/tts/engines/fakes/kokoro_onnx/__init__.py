"""Stands for kokoro-onnx 0.6, as far as the emulator uses it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt


class Kokoro:
    def __init__(self, model_path: str, voices_path: str) -> None:
        assert Path(model_path).exists()
        assert Path(voices_path).exists()

    def get_voices(self) -> list[str]:
        return ["af_alloy", "af_heart", "am_adam", "bm_lewis", "jf_alpha", "xx_odd"]

    def create(
        self,
        text: str,
        voice: str,
        speed: float = 1.0,
        lang: str = "en-us",
        is_phonemes: bool = False,
    ) -> tuple[npt.NDArray[np.float32], int]:
        if not is_phonemes or "(" in text:
            raise ValueError(f"not phonemes: {text}")
        if "zˈuː" in text:
            raise ValueError("no phonemes")
        level = {"en-us": 0.25, "en": 0.5, "ja": 1.5}[lang]
        return np.full(int(len(text) * 1000 / speed), level, dtype=np.float32), 24_000
