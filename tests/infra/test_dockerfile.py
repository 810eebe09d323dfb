"""The Dockerfile, read without building it, and the locks that it installs."""

import re

import pytest

from infra.debian import PYTHON, SUITE, DebianError
from infra.image.build import find_base
from infra.locks import read_pins
from tests.infra.files import ROOT, read_dockerfile

OURS = (ROOT / "Dockerfile").read_text()


def test_every_stage_stands_on_one_image_by_digest() -> None:
    """A tag names another image each month; what was tested would not be what is deployed."""
    assert re.fullmatch(rf"python:{PYTHON}-slim-{SUITE}@sha256:[0-9a-f]{{64}}", find_base(OURS))


@pytest.mark.parametrize(
    ("dockerfile", "base"),
    [
        ("FROM a:1@sha256:0\n", "a:1@sha256:0"),
        ("FROM --platform=linux/amd64 a AS one\nRUN x\nFROM a\nFROM one\n", "a"),
        ("FROM a\nFROM b\n", None),
        ("", None),
    ],
)
def test_the_base_is_what_no_stage_is_named(dockerfile: str, base: str | None) -> None:
    if base:
        assert find_base(dockerfile) == base
        return
    with pytest.raises(DebianError, match="stand on one image"):
        find_base(dockerfile)


def test_is_not_root_serves_8088_and_gets_signals_itself() -> None:
    told = read_dockerfile()
    assert int(told.user) > 0
    assert told.home == "/home/session"
    assert told.command[0] == "python"
    assert told.port == 8088
    assert "PORT=8088" in OURS


def test_installs_only_wheels_with_hashes_and_leaves_no_pip() -> None:
    assert "--no-deps --require-hashes --only-binary :all:" in OURS
    assert "pip uninstall --yes pip" in OURS


def test_an_empty_build_argument_is_the_default() -> None:
    """azd passes `REQUIREMENTS=` when its environment does not have the variable."""
    assert "COPY requirements/${REQUIREMENTS:-agent}.txt " in OURS


def test_requirements_hold_what_each_image_needs() -> None:
    agent, model = read_versions("agent"), read_versions("model")
    # Redis with a Microsoft Entra identity signs in by azure-identity on aiohttp.
    assert {"fastapi", "uvicorn", "redis", "aiohttp", "azure-identity"} <= agent.keys()
    assert "pydantic-ai-slim" not in agent
    assert {"pydantic-ai-slim", "openai"} <= model.keys()
    assert agent.items() <= model.items()


def read_versions(name: str) -> dict[str, str]:
    problems: list[str] = []
    pins = read_pins(ROOT / f"requirements/{name}.txt", problems)
    assert not problems
    return {pin.name: pin.version for pin in pins}
