import contextlib
from pathlib import Path

from voicelive_agent.emulator.models import ModelError, find_model
from voicelive_agent.emulator.models.catalogue import MODELS, Wheel


def test_the_catalogue_is_sound() -> None:
    names = [one.name for one in MODELS]
    assert len(names) == len(set(names))
    for one in MODELS:
        assert one.files
        assert one.licence
        assert one.size_mb > 10
        files = [file.name for file in one.files]
        assert len(files) == len(set(files))
        for file in one.files:
            if isinstance(file, Wheel):
                assert all(len(sha256) == 64 for sha256 in (file.sha256, *file.members.values()))
                assert len(file.file_names) == len(file.members)
            else:
                assert file.url.startswith("https://")
        carried = [
            name for file in one.files if isinstance(file, Wheel) for name in file.file_names
        ]
        for whole in one.joined:
            assert set(whole.parts) <= set(carried)
            assert whole.name not in carried
    with contextlib.suppress(ModelError):
        find_model("", Path("/nowhere"))
