import asyncio
import sys
from pathlib import Path

import pytest

from benchmarks.callers import Report
from benchmarks.soak import Sample, conclude, fit

MEGABYTE = 1 << 20


def make_samples(rss_per_s: int = 0, descriptors_per_s: float = 0) -> list[Sample]:
    """A minute in which memory and descriptors swing and, if asked, grow."""
    return [
        Sample(
            at_s=float(second),
            rss_bytes=80 * MEGABYTE + second * rss_per_s + second % 5 * 100_000,
            descriptors=int(60 + second * descriptors_per_s + second % 7),
        )
        for second in range(60)
    ]


def test_what_only_swings_is_flat() -> None:
    assert conclude(make_samples(), Report(), 0, 0, callers=20) == 0


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (make_samples(rss_per_s=MEGABYTE // 4), "memory grew by"),
        (make_samples(descriptors_per_s=0.5), "descriptors grew by"),
    ],
)
def test_what_grows_is_a_problem(
    samples: list[Sample], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(samples, Report(), 0, 0, callers=20) == 1
    assert problem in capsys.readouterr().out


@pytest.mark.parametrize(
    ("report", "left_open"),
    [
        (Report(errors=["stream without done"]), 0),
        (Report(leaks=["Badofi was told Kelomi"]), 0),
        (Report(), 10),
    ],
)
def test_whatever_else_goes_wrong_is_a_problem(report: Report, left_open: int) -> None:
    assert conclude(make_samples(), report, 0, left_open, callers=20) == 1


def test_a_run_too_short_to_tell_says_so() -> None:
    with pytest.raises(ValueError, match="run longer"):
        fit(make_samples()[:2])


@pytest.mark.slow
async def test_a_real_server_stays_flat() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak", "--seconds", "12", "--callers", "20"),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
