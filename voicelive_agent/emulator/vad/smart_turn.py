"""End of turn by sound: how complete a turn sounds to the smart-turn model.

It hears the last 8 s of a turn and says how likely the person has finished, by tone and rhythm.
That takes a tenth of a second of one core for each pause. It is one opinion beside that of the
words: together they lengthen or shorten the silence that ends a turn, and never end it alone.
"""

from pathlib import Path
from typing import Any

import numpy as np

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.models import ModelError, find_model
from voicelive_agent.emulator.models.catalogue import SMART_TURN
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError
from voicelive_agent.emulator.vad.log_mel import compute_log_mel

OPEN_BELOW = 0.5
SOUND_SHARE = 0.8
"""Of both opinions, where the words ask for nothing more: so do 95 % of what people say whole, and
77 % of what is broken off in the middle."""
WINDOW_MS = 8_000
SILENCE_MS = 150
"""Of the pause, the model gets so much: the more it hears, the more of what people broke off in
mid-sentence seems complete (35 % of pauses cut at 250 ms, 29 % at 120 ms)."""
_WINDOW_SAMPLES = WINDOW_MS * SAMPLE_RATE_HZ // 1000
_FILE = "smart-turn-v3.2-cpu.onnx"


class SmartTurn:
    """The loaded model; ``estimate`` may be called from several threads."""

    name = SMART_TURN

    def __init__(self, path: Path) -> None:
        """Takes a quarter of a second."""
        self._session = _open_session(path)
        self.estimate(b"")

    def estimate(self, pcm: bytes) -> float:
        """The likelihood, 0 to 1, that who spoke this audio has finished. Blocks for 0.1 s."""
        samples = np.frombuffer(pcm, "<i2")[-_WINDOW_SAMPLES:].astype(np.float32)
        samples /= 32768
        # The model looks at the end, so what is missing is missing at the start.
        window = np.pad(samples, (_WINDOW_SAMPLES - len(samples), 0))
        features = compute_log_mel(window)
        (output, *_) = self._session.run(None, {"input_features": features[None, ...]})
        return float(output[0].item())


def open_end_of_turn(name: str = "auto", models_dir: Path | None = None) -> SmartTurn | None:
    """The model by the name that ``--end-of-turn`` takes: ``auto``, ``smart-turn`` or ``none``.

    ``auto`` is smart-turn where it was fetched. Raises SttError, which says what to do.
    """
    if name == "none":
        return None
    if name not in ("auto", SMART_TURN):
        raise SttError(
            f"there is no end-of-turn model {name!r}: choose auto, none or {SMART_TURN} "
            "(--end-of-turn)"
        )
    try:
        return SmartTurn(find_model(SMART_TURN, models_dir, use="vad", engine=SMART_TURN) / _FILE)
    except ModelError as error:
        if name == "auto":
            return None
        raise SttError(str(error)) from error


def advise() -> str:
    """What to do where the model was not fetched."""
    return f"silence and words alone end a turn: {spell_command('models fetch')} {SMART_TURN}"


def weigh_opinions(by_words: float | None, by_sound: float | None) -> float | None:
    """How complete a turn is by both; None where neither knows.

    Where the words ask for more, no tone makes them complete.
    """
    if by_words is None or by_sound is None:
        return by_sound if by_words is None else by_words
    if by_words < OPEN_BELOW:
        return min(by_words, by_sound)
    return SOUND_SHARE * by_sound + (1 - SOUND_SHARE) * by_words


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
