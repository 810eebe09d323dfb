"""Audio files of every kind, as PCM16."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.client.sound.sounds import BLOCK_BYTES, RATE_HZ, pcm16, read_speech, run, tone, write_wav
from voicelive_agent.client.sound.audio_files import read_sound
from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.client.sound.file_devices import FileMicrophone


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_wav(tmp_path: Path, rate_hz: int, width: int, channels: int) -> None:
    samples = np.repeat(tone(500, rate_hz=rate_hz), channels)
    match width:
        case 1:
            data = (samples * 127 + 128).astype("u1").tobytes()
        case 3:
            wide = (samples * (2**31 - 1)).astype("<i4")
            data = wide.view("u1").reshape(-1, 4)[:, 1:].tobytes()
        case _:
            data = (samples * (2 ** (8 * width - 1) - 1)).astype(f"<i{width}").tobytes()
    path = write_wav(tmp_path / "a.wav", data, rate_hz=rate_hz, width=width, n=channels)

    async def main() -> None:
        microphone = FileMicrophone([path], silence_ms=0)
        await microphone.open(RATE_HZ)
        blocks, _ = await read_speech(microphone)
        heard = np.frombuffer(b"".join(block.pcm for block in blocks), "<i2") / 32768
        expected = tone(500)
        assert abs(len(heard) - len(expected)) <= BLOCK_BYTES // 2
        middle = slice(1000, len(expected) - 1000)
        assert np.corrcoef(heard[middle], expected[middle])[0, 1] > 0.999
        assert np.abs(heard[middle]).max() == pytest.approx(0.5, abs=0.02)

    run(main())


def test_file_that_is_missing_or_no_wav_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "noise.mp3").write_bytes(b"ID3 and more")

    async def main() -> None:
        with pytest.raises(DeviceError, match=r"can't read .*missing\.wav: No such file"):
            await FileMicrophone([tmp_path / "missing.wav"]).open(RATE_HZ)
        with pytest.raises(DeviceError, match=r"noise\.mp3 is no audio file.*ffmpeg"):
            await FileMicrophone([tmp_path / "noise.mp3"]).open(RATE_HZ)
        (tmp_path / "empty.wav").write_bytes(b"")
        with pytest.raises(DeviceError, match=r"empty\.wav is no audio file"):
            await FileMicrophone([tmp_path / "empty.wav"]).open(RATE_HZ)

    run(main())


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAV", "ULAW"),
        ("WAVEX", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_files_of_many_kinds(tmp_path: Path, format: str, subtype: str) -> None:
    said = np.frombuffer(pcm16(tone(500, rate_hz=44_100)), "<i2") / 32768
    path = tmp_path / "said"
    soundfile.write(path, np.stack([said, said], axis=1), 44_100, subtype, format=format)
    heard = np.frombuffer(read_sound(path, RATE_HZ), "<i2").astype(float) / 32768
    assert abs(len(heard) / RATE_HZ - 0.5) < 0.1
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(said**2)), rel=0.15)


def test_a_file_without_sound_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE_HZ)
    with pytest.raises(DeviceError, match="no sound in it"):
        read_sound(tmp_path / "none.wav", RATE_HZ)


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_wav_that_was_never_finished_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    """Writers to a pipe and killed recorders leave such sizes: "has no sound in it", it said."""
    path = Path(write_wav(tmp_path / "a.wav", pcm16(tone(100))))
    whole = bytearray(path.read_bytes())
    for at in (4, 40):
        whole[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(whole)
    assert read_sound(path, RATE_HZ) == pcm16(tone(100))


def test_a_wav_without_sound_is_still_told(tmp_path: Path) -> None:
    path = Path(write_wav(tmp_path / "a.wav", b""))
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    with pytest.raises(DeviceError, match="no sound"):
        read_sound(path, RATE_HZ)
