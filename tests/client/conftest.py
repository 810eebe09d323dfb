import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have an environment and an ``.env`` of their own."""
    for name in os.environ:
        if name.startswith(("VOICELIVE_", "AZURE_VOICELIVE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
