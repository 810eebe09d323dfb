import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.client.sound.sounds import RATE_HZ, loud, pcm16, read_speech, run, tone, write_wav
from voicelive_agent.client.sound.devices import Block, DeviceError, Played
from voicelive_agent.client.sound.file_devices import (
    FileLoudspeaker,
    FileMicrophone,
    SilentLoudspeaker,
    SilentMicrophone,
)

DISK_THAT_IS_FULL = Path("/dev/full")


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
        microphone.go_on()
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
        microphone.go_on()
        blocks, silent = await read_speech(microphone)
        assert (len(blocks), silent) == (2, 0)

    run(main())


def test_an_answer_that_comes_at_once_leaves_silence_between_inputs(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", pcm16(tone(40)))

    async def main() -> None:
        microphone = FileMicrophone([path, path], silence_ms=100)
        await microphone.open(RATE_HZ)
        await read_speech(microphone)
        microphone.go_on()
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
        microphone.go_on()
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


def test_silent_microphone_says_what_it_is_given() -> None:
    async def main() -> None:
        microphone = SilentMicrophone()
        await microphone.open(RATE_HZ)
        assert not loud(await microphone.read())
        microphone.say(pcm16(tone(50)))
        saying = asyncio.create_task(microphone.said())
        assert [loud(await microphone.read()) for _ in range(4)] == [True] * 3 + [False]
        await saying
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
        await loudspeaker.open(
            RATE_HZ, on_first_sound=lambda item_id: begun.append((item_id, loop.time()))
        )
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
        await loudspeaker.open(RATE_HZ, on_status=said.append)
        loudspeaker.write("a", 0, pcm16(tone(500)))
        await loudspeaker.drained()
        await loudspeaker.close()
        assert loudspeaker.played("a", 0).played_ms == 500
        assert len(said) == 1
        assert "No space left" in said[0]

    run(main())
