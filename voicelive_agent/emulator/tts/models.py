"""Where the model of a speech engine is."""

from pathlib import Path

from voicelive_agent.emulator.tts import SpeakingError


def locate_model(engine: str, what: str, models_dir: Path | None) -> Path:
    """The folder or file of a model by name or path; the first installed where none is named.

    Raises SpeakingError, which names the command that fetches one.
    """
    from voicelive_agent.emulator.models import ModelError, find_model

    try:
        return find_model(what, models_dir, use="speaking", engine=engine)
    except ModelError as error:
        raise SpeakingError(str(error)) from error
