"""``make demo``: the whole loop by voice, with a correction, a click, barge-in and a goodbye."""

import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

from voicelive_agent.client.check.scenario import read_scenario

ROOT = Path(__file__).parents[3]
SCENARIO = ROOT / "examples" / "front_desk" / "demo.yaml"


def run_demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "examples.front_desk", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_its_scenario_is_valid() -> None:
    scenario = read_scenario(SCENARIO)
    kinds = [step.action.kind for step in scenario.steps]
    assert {"", "say", "click"} <= set(kinds)
    assert any(step.interruption for step in scenario.steps)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.component
@pytest.mark.timeout(400)
def test_it_talks_and_leaves_its_sound(tmp_path: Path) -> None:
    began_s = time.monotonic()
    ran = run_demo("--json", "--record", str(tmp_path / "sound"))
    lines = [json.loads(line) for line in ran.stdout.splitlines() if '"kind"' in line]
    steps, summary = lines[:-1], lines[-1]
    failed = [(line["step"], line["heard"], line["failures"]) for line in steps]
    assert ran.returncode == 0, ([one for one in failed if one[-1]], ran.stderr)
    assert len([line for line in steps if line["heard"]]) >= 6
    assert len([line for line in steps if line["answer"]]) >= 8
    assert summary["interruptions"] == 1
    (sound,) = (tmp_path / "sound").glob("*.wav")
    with wave.open(str(sound)) as wav:
        assert wav.getnchannels() == 2
        seconds = wav.getnframes() / wav.getframerate()
    assert 20 < seconds < time.monotonic() - began_s


@pytest.mark.slow
def test_a_place_that_it_cannot_write_to_is_told_before_it_talks(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run_demo("--record", str(tmp_path / "file" / "sound"))
    assert ran.returncode == 1
    assert str(tmp_path / "file") in ran.stderr
    assert ran.stdout == ""
