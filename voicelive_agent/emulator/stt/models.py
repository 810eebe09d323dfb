"""Where the model of a recogniser is."""

from pathlib import Path

from voicelive_agent.emulator.stt import HearingError


def locate_model(engine: str, what: str, models_dir: Path | None) -> Path:
    """The folder of a model by name or path; the first installed where none is named.

    Raises HearingError, which names the command that fetches one.
    """
    from voicelive_agent.emulator.models import ModelError, find_model

    try:
        return find_model(what, models_dir, use="hearing", engine=engine)
    except ModelError as error:
        raise HearingError(str(error)) from error
