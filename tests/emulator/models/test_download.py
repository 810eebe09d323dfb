"""A file is fetched whole or not at all, whatever the server and the network do."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulator.models.source import CONTENT, SHA256, Source
from voicelive_agent.emulator.models.download import ChecksumError, DownloadError, download


def fetch(source: Source, target: Path, **options: Any) -> str:
    with httpx.Client(trust_env=False) as client:
        return download(client, f"{source.url}/file.bin", target, retry_delay_s=0.001, **options)


def test_a_file_comes_with_its_progress(source: Source, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    target = tmp_path / "new" / "file.bin"
    assert fetch(source, target, progress=lambda *now: told.append(now)) == SHA256
    assert target.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_a_cut_connection_is_resumed_by_itself(source: Source, tmp_path: Path) -> None:
    source.cut_after = [300_000, 0, 200_000]
    assert fetch(source, tmp_path / "f") == SHA256
    assert [wanted for _, wanted, _ in source.requests] == [
        None,
        "bytes=300000-",
        "bytes=300000-",
        "bytes=500000-",
    ]
    assert {condition for _, _, condition in source.requests[1:]} == {'"v1"'}
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_giving_up_keeps_what_came_for_the_next_time(source: Source, tmp_path: Path) -> None:
    source.cut_after = [1000, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadError, match="goes on where this ended"):
        fetch(source, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    source.cut_after = []
    source.requests.clear()
    assert fetch(source, tmp_path / "f") == SHA256
    assert source.requests[0][1] == "bytes=1000-"


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    source: Source, tmp_path: Path
) -> None:
    source.cut_after = [1000]
    source.ignores_ranges = True
    assert fetch(source, tmp_path / "f") == SHA256
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_version_that_changed_in_between_is_not_mixed(source: Source, tmp_path: Path) -> None:
    """Half of one version and half of another would be a file that nobody published."""
    source.cut_after = [1000] + [0] * 9
    with pytest.raises(DownloadError):
        fetch(source, tmp_path / "f")
    source.cut_after = []
    source.files["/file.bin"], source.etag = CONTENT[::-1], '"v2"'
    fetch(source, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_tag_nothing_is_resumed(
    source: Source, tmp_path: Path, etag: str | None
) -> None:
    source.etag = etag
    source.cut_after = [1000]
    assert fetch(source, tmp_path / "f") == SHA256
    assert [wanted for _, wanted, _ in source.requests] == [None, None]


def test_a_wrong_range_is_not_believed(source: Source, tmp_path: Path) -> None:
    source.cut_after = [1000]
    source.wrong_range = True
    assert fetch(source, tmp_path / "f") == SHA256
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_that_became_shorter_is_begun_anew(source: Source, tmp_path: Path) -> None:
    source.cut_after = [1000] + [0] * 9
    with pytest.raises(DownloadError):
        fetch(source, tmp_path / "f")
    source.cut_after = []
    source.files["/file.bin"] = b"short"
    fetch(source, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"short"


def test_a_length_that_is_not_told_is_no_trouble(source: Source, tmp_path: Path) -> None:
    source.sends_length = False
    told: list[tuple[int, int | None]] = []
    assert fetch(source, tmp_path / "f", progress=lambda *now: told.append(now)) == SHA256
    assert told[-1] == (len(CONTENT), None)


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_refusal_says_what_to_do(source: Source, tmp_path: Path, status: int) -> None:
    source.statuses = [status]
    with pytest.raises(DownloadError, match=f"HTTP {status}.*VOICELIVE_EMULATOR_MODELS_URL"):
        fetch(source, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down(tmp_path: Path) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(DownloadError, match="network"):
        download(client, "http://127.0.0.1:1/f", tmp_path / "f", retry_delay_s=0)


def test_wrong_bytes_are_thrown_away(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ChecksumError, match="nothing was kept"):
        fetch(source, tmp_path / "f", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_the_checksum_that_hugging_face_sends_is_held_to(source: Source, tmp_path: Path) -> None:
    source.linked_etag = f'"{SHA256}"'
    assert fetch(source, tmp_path / "f") == SHA256
    source.linked_etag = f'"{"1" * 64}"'
    with pytest.raises(ChecksumError):
        fetch(source, tmp_path / "g")
    source.linked_etag = '"not-a-sha256"'
    assert fetch(source, tmp_path / "h") == SHA256
