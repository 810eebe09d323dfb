import asyncio
import io
import os
import struct
import wave
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from client.devices import BLOCK_MS, Block, DeviceError, Microphone, Played
from client.files import FileLoudspeaker, FileMicrophone, SilentLoudspeaker, SilentMicrophone
from client.sound_files import read_sound
from tests.virtual_time import run_virtual

RATE_HZ = 24_000
BLOCK_BYTES = RATE_HZ * BLOCK_MS // 1000 * 2
DISK_THAT_IS_FULL = Path("/dev/full")


def run(main: Coroutine[Any, Any, None]) -> None:
    run_virtual(main)


def write_wav(path: Path, pcm: bytes, *, rate_hz: int = RATE_HZ, width: int = 2, n: int = 1) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return str(path)


def tone(ms: int, *, hz: int = 440, rate_hz: int = RATE_HZ) -> Any:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(rate_hz * ms // 1000) / rate_hz)


def pcm16(samples: Any) -> bytes:
    return bytes((samples * 32767).astype("<i2").tobytes())


def wav_of_8_bits() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(50), RATE_HZ, "PCM_U8", format="WAV")
    return file.getvalue()


def loud(block: Block | None) -> bool:
    assert block is not None
    return any(block.pcm)


async def read_speech(microphone: Microphone) -> tuple[list[Block], int]:
    """Blocks of the next input up to its end, and how many silent ones came before."""
    silent = 0
    blocks: list[Block] = []
    while True:
        block = await microphone.read()
        assert block is not None
        if loud(block) or blocks:
            blocks.append(block)
        else:
            silent += 1
        if block.input_ended:
            return blocks, silent


def test_file_is_spoken_in_real_time_between_silence(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(100)))

    async def main() -> None:
        microphone = FileMicrophone([path], silence_ms=200)
        await microphone.open(RATE_HZ)
        start_s = asyncio.get_running_loop().time()
        blocks, silent = await read_speech(microphone)
        assert silent == 10
        assert len(blocks) == 5
        assert asyncio.get_running_loop().time() - start_s == pytest.approx(0.28)
        assert b"".join(block.pcm for block in blocks) == pcm16(tone(100))
        for _ in range(1000):
            assert not loud(await microphone.read())
        microphone.continue_()
        assert await microphone.read() is None

    run(main())


def test_next_input_waits_for_the_answer(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(40)))

    async def main() -> None:
        microphone = FileMicrophone([path, path], silence_ms=100)
        await microphone.open(RATE_HZ)
        await read_speech(microphone)
        for _ in range(500):
            assert not loud(await microphone.read())
        assert microphone.inputs_left == 1
        microphone.continue_()
        blocks, silent = await read_speech(microphone)
        assert (len(blocks), silent) == (2, 0)

    run(main())


def test_an_answer_that_comes_at_once_leaves_silence_between_inputs(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(40)))

    async def main() -> None:
        microphone = FileMicrophone([path, path], silence_ms=100)
        await microphone.open(RATE_HZ)
        await read_speech(microphone)
        microphone.continue_()
        _, silent = await read_speech(microphone)
        assert silent == 5

    run(main())


def test_inputs_that_wait_for_nobody(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(40)))

    async def main() -> None:
        microphone = FileMicrophone([path, path], silence_ms=100, wait_for_answers=False)
        await microphone.open(RATE_HZ)
        await read_speech(microphone)
        _, silent = await read_speech(microphone)
        assert silent == 5
        assert not loud(await microphone.read())

    run(main())


def test_held_until_the_greeting_is_over(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(40)))

    async def main() -> None:
        microphone = FileMicrophone([path], silence_ms=0, hold=True)
        await microphone.open(RATE_HZ)
        for _ in range(100):
            assert not loud(await microphone.read())
        microphone.continue_()
        assert (await read_speech(microphone))[1] == 0

    run(main())


def test_fast_takes_no_time_until_it_waits_for_the_answer(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(5000)))

    async def main() -> None:
        microphone = FileMicrophone([path], fast=True)
        await microphone.open(RATE_HZ)
        loop = asyncio.get_running_loop()
        blocks, silent = await read_speech(microphone)
        assert (len(blocks), silent) == (250, 0)
        for _ in range(100):
            assert not loud(await microphone.read())
        assert loop.time() < 0.001
        for _ in range(51):
            await microphone.read()
        assert loop.time() == pytest.approx(1.0)

    run(main())


def test_cancelled_read_loses_nothing(tmp_path: Path) -> None:
    """A reconnect cancels whoever reads; the sentence goes on where it was."""
    path = write_wav(tmp_path / "a.wav", pcm16(tone(200)))

    async def main() -> None:
        microphone = FileMicrophone([path], silence_ms=0)
        await microphone.open(RATE_HZ)
        heard = b""
        while len(heard) < len(pcm16(tone(200))):
            reading = asyncio.create_task(microphone.read())
            await asyncio.sleep(0.005)
            if reading.done():
                heard += (reading.result() or Block(b"")).pcm
            else:
                reading.cancel()
        assert heard == pcm16(tone(200))

    run(main())


def test_late_reader_gets_no_burst_of_the_past(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(100)))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        microphone = FileMicrophone([path])
        await microphone.open(RATE_HZ)
        await microphone.read()
        await asyncio.sleep(10)
        start_s = loop.time()
        for _ in range(11):
            await microphone.read()
        assert loop.time() - start_s == pytest.approx(0.2)

    run(main())


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


async def test_raw_audio_from_a_pipe() -> None:
    speech = pcm16(tone(110))
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(speech))
    await microphone.open(RATE_HZ)
    blocks, _ = await read_speech(microphone)
    assert b"".join(block.pcm for block in blocks) == speech.ljust(6 * BLOCK_BYTES, b"\0")
    microphone.continue_()
    assert await microphone.read() is None
    await microphone.close()


async def test_empty_pipe_is_an_input_without_words() -> None:
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO())
    await microphone.open(RATE_HZ)
    assert await microphone.read() == Block(bytes(BLOCK_BYTES), input_ended=True)
    await microphone.close()


async def test_pipe_nobody_writes_to_can_be_closed() -> None:
    reading_fd, writing_fd = os.pipe()
    with os.fdopen(reading_fd, "rb") as stdin:
        microphone = FileMicrophone(["-"], silence_ms=0, stdin=stdin)
        await microphone.open(RATE_HZ)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(microphone.read(), 0.05)
        os.write(writing_fd, bytes(range(256)) * 8)
        block = await asyncio.wait_for(microphone.read(), 5)
        assert block and loud(block)
        await microphone.close()
        os.close(writing_fd)


@pytest.mark.parametrize("size", ["known", "endless"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(RATE_HZ, 1), (48_000, 2), (8_000, 1)])
async def test_wav_in_a_pipe_is_read_while_it_is_written(
    size: str, rate_hz: int, channels: int
) -> None:
    """As arecord and ffmpeg write it: without knowing how much it will be."""
    said = np.frombuffer(pcm16(tone(400, rate_hz=rate_hz)), "<i2")
    file = io.BytesIO()
    soundfile.write(file, np.stack([said] * channels, axis=1), rate_hz, "PCM_16", format="WAV")
    wav = bytearray(file.getvalue())
    at = wav.index(b"data") + 4
    if size == "endless":
        wav[at : at + 4] = b"\xff\xff\xff\x7f"
    else:
        wav += b"LIST" + struct.pack("<I", 4000) + b"\x55" * 4000
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(bytes(wav)))
    await microphone.open(RATE_HZ)
    blocks, _ = await read_speech(microphone)
    heard = np.frombuffer(b"".join(block.pcm for block in blocks), "<i2").astype(float)
    assert abs(len(heard) / RATE_HZ - 0.4) < 0.03
    assert np.abs(heard).max() == pytest.approx(np.abs(said.astype(float)).max(), rel=0.1)
    await microphone.close()


@pytest.mark.parametrize(
    "stream", [b"RIFF\0\0\0\0WAVE", b"ID3" + bytes(40), b"fLaC" + bytes(40), wav_of_8_bits()]
)
async def test_other_sound_in_a_pipe_is_refused(stream: bytes) -> None:
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(stream))
    await microphone.open(RATE_HZ)
    with pytest.raises(DeviceError, match="standard input"):
        await microphone.read()
    await microphone.close()


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


def test_silent_microphone_says_what_it_is_given() -> None:
    async def main() -> None:
        microphone = SilentMicrophone()
        await microphone.open(RATE_HZ)
        assert not loud(await microphone.read())
        microphone.say(pcm16(tone(50)))
        saying = asyncio.create_task(microphone.said())
        assert [loud(await microphone.read()) for _ in range(4)] == [True] * 3 + [False]
        await saying
        microphone.say(pcm16(tone(500)))
        await microphone.read()
        microphone.hush()
        await microphone.said()
        assert not loud(await microphone.read())
        await microphone.close()
        assert await microphone.read() is None

    run(main())


def test_loudspeaker_file_holds_what_was_heard_when(tmp_path: Path) -> None:
    """Silence, an answer that is cut in the middle, silence."""
    path = tmp_path / "out.wav"

    async def main() -> None:
        loudspeaker = FileLoudspeaker(path)
        begun: list[tuple[str, float]] = []
        loop = asyncio.get_running_loop()
        loudspeaker.on_first_sound = lambda item_id: begun.append((item_id, loop.time()))
        await loudspeaker.open(RATE_HZ)
        await asyncio.sleep(1.001)
        loudspeaker.write("a", 0, pcm16(tone(3000)))
        await asyncio.sleep(1)
        assert loudspeaker.cut() == Played("a", 0, 1000)
        assert loudspeaker.queued_ms == 0
        await asyncio.wait_for(loudspeaker.drained(), 0.001)
        await asyncio.sleep(1)
        await loudspeaker.close()
        [(item_id, at_s)] = begun
        assert item_id == "a"
        assert at_s == pytest.approx(1.02)

    run(main())
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE_HZ
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    sounding = np.flatnonzero(heard)
    assert len(heard) / RATE_HZ == pytest.approx(3.0, abs=0.05)
    assert sounding[0] / RATE_HZ == pytest.approx(1.02, abs=0.001)
    assert sounding[-1] / RATE_HZ == pytest.approx(2.02, abs=0.001)


@pytest.mark.parametrize("kind", ["silent", "file"])
def test_drained_when_the_last_sample_was_heard(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        loudspeaker = (
            SilentLoudspeaker() if kind == "silent" else FileLoudspeaker(tmp_path / "out.wav")
        )
        await loudspeaker.open(RATE_HZ)
        await loudspeaker.drained()
        loudspeaker.write("a", 0, b"")
        await loudspeaker.drained()
        loudspeaker.write("a", 0, pcm16(tone(500)))
        await loudspeaker.drained()
        assert asyncio.get_running_loop().time() == pytest.approx(0.52, abs=0.021)
        assert loudspeaker.played("a", 0).played_ms == 500
        await loudspeaker.close()

    run(main())


def test_fast_loudspeaker_needs_no_time(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"

    async def main() -> None:
        loudspeaker = FileLoudspeaker(path, fast=True)
        await loudspeaker.open(RATE_HZ)
        loudspeaker.write("a", 0, pcm16(tone(5000)))
        await loudspeaker.drained()
        assert loudspeaker.played("a", 0).played_ms == 5000
        assert loudspeaker.queued_ms == 0
        assert loudspeaker.cut() is None
        await loudspeaker.close()

    run(main())
    with wave.open(str(path)) as file:
        assert file.readframes(file.getnframes()) == pcm16(tone(5000))


def test_output_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(DeviceError, match="--output"):
            await FileLoudspeaker(tmp_path / "no" / "out.wav").open(RATE_HZ)

    run(main())


@pytest.mark.skipif(not DISK_THAT_IS_FULL.exists(), reason="this system has no /dev/full")
def test_full_disk_is_told_and_playback_goes_on() -> None:
    async def main() -> None:
        said: list[str] = []
        loudspeaker = FileLoudspeaker(DISK_THAT_IS_FULL)
        loudspeaker.on_status = said.append
        await loudspeaker.open(RATE_HZ)
        loudspeaker.write("a", 0, pcm16(tone(500)))
        await loudspeaker.drained()
        await loudspeaker.close()
        assert loudspeaker.played("a", 0).played_ms == 500
        assert len(said) == 1
        assert "No space left" in said[0]

    run(main())
