"""End of turn by sound: how complete a turn sounds to pipecat's smart-turn model.

It hears the last 8 s of a turn and says how likely the person has finished, by tone and rhythm.
That takes a tenth of a second of one core for each pause. It is one opinion beside that of the
words: together they lengthen or shorten the silence that ends a turn, and never end it alone.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError

INSTALL_HINT = spell_commands(
    "pip install onnxruntime, then pip install --no-deps pipecat-ai "
    "(or pip install 'voicelive-agent[end-of-turn]', with all that pipecat needs, 400 MB)"
)
OPEN_BELOW = 0.5
WINDOW_MS = 8_000
_WINDOW_SAMPLES = WINDOW_MS * SAMPLE_RATE_HZ // 1000
_MODEL_GLOB = "smart-turn-v3*.onnx"
_FEATURES = "_whisper_features.py"


class SmartTurn:
    """The loaded model; ``estimate`` may be called from several threads."""

    name = "smart-turn"

    def __init__(self) -> None:
        """Takes a quarter of a second. Raises SttError, which says what to install."""
        folder = _find_folder()
        if folder is None or not is_installed():
            raise SttError(f"smart-turn is not installed: {INSTALL_HINT}")
        models = sorted(folder.glob(f"data/{_MODEL_GLOB}"))
        if not models:
            raise SttError(
                f"pipecat's package carries no {_MODEL_GLOB}: {INSTALL_HINT} (1.14 does)"
            )
        self._compute_features = _load_features(folder / _FEATURES)
        self._session = _open_session(models[-1])
        self.estimate(b"")

    def estimate(self, pcm: bytes) -> float:
        """The likelihood, 0 to 1, that who spoke this audio has finished. Blocks for 0.1 s."""
        samples = np.frombuffer(pcm, "<i2")[-_WINDOW_SAMPLES:].astype(np.float32) / 32768
        # The model looks at the end, so what is missing is missing at the start.
        window = np.pad(samples, (_WINDOW_SAMPLES - len(samples), 0))
        features = self._compute_features(window, do_normalize=True)
        (output, *_) = self._session.run(None, {"input_features": features[None, ...]})
        return float(output[0].item())


def is_installed() -> bool:
    """Whether there is what the model needs, and the model."""
    return importlib.util.find_spec("onnxruntime") is not None and _find_folder() is not None


def open_end_of_turn(name: str) -> SmartTurn | None:
    """The model by the name that ``--end-of-turn`` takes: ``smart-turn`` or ``none``.

    Raises SttError.
    """
    if name == "none":
        return None
    if name == SmartTurn.name:
        return SmartTurn()
    raise SttError(
        f"there is no end-of-turn model {name!r}: choose none or {SmartTurn.name} (--end-of-turn)"
    )


def weigh_opinions(by_words: float | None, by_sound: float | None) -> float | None:
    """How complete a turn is by both; None where neither knows.

    Where the words ask for more, no tone makes them complete.
    """
    if by_words is None or by_sound is None:
        return by_sound if by_words is None else by_words
    return min(by_words, by_sound) if by_words < OPEN_BELOW else (by_words + by_sound) / 2


def _find_folder() -> Path | None:
    """Without importing pipecat, which needs far more than the model does."""
    package = importlib.util.find_spec("pipecat")
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder) / "audio" / "turn" / "smart_turn"
        if (path / _FEATURES).is_file():
            return path
    return None


def _load_features(path: Path) -> Callable[..., Any]:
    """pipecat's extractor, which needs numpy alone."""
    spec = importlib.util.spec_from_file_location("smart_turn_features", path)
    if spec is None or spec.loader is None:
        raise SttError(f"{path} can't be loaded: {INSTALL_HINT}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compute: Callable[..., Any] = module.compute_whisper_log_mel_features
    return compute


def _open_session(model: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    # The model is quantised to 8 bits. Processors without VNNI add its products up in 16 bits and
    # saturate, and a whole sentence then sounds less complete than half of it.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(
        str(model), sess_options=options, providers=["CPUExecutionProvider"]
    )
