"""Real PyAudio, PortAudio and PulseAudio; only the sound card is software."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.client.sound.pulseaudio import CAPTURE_HZ, SoundSystem, start_sound_system, write_wav
from tests.understanding import understand
from voicelive_agent.client.sound import portaudio_stream
from voicelive_agent.client.sound.audio_files import read_sound, resample, to_pcm16
from voicelive_agent.client.sound.devices import BLOCK_MS, DeviceError, ignore
from voicelive_agent.client.sound.hardware_devices import (
    HardwareLoudspeaker,
    HardwareMicrophone,
    list_devices,
)
from voicelive_agent.client.sound.own_voice import Ear

pytestmark = [pytest.mark.component, pytest.mark.slow, pytest.mark.alone]

RATE_HZ = 16_000
SENTENCE = "what is the weather in seattle"
TAKES = 5
AUDIBLE = 300


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundSystem]:
    with start_sound_system(monkeypatch) as system:
        yield system


@pytest.fixture(scope="module")
def sentence(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Speech as PCM16 mono at ``RATE_HZ``."""
    path = tmp_path_factory.mktemp("speech") / "sentence.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", SENTENCE, "-o", str(path)], check=True)
    return read_sound(path, RATE_HZ)


async def until_recognised(take: Callable[[], Awaitable[bytes]]) -> None:
    """A busy machine tears holes into any sound; one take in a few must be whole."""
    understood = []
    for _ in range(TAKES):
        understood.append(understand(await take()))
        if SENTENCE in understood[-1]:
            return
    pytest.fail(f"nobody understands it: {understood}")


def audible_ms(captured: bytes) -> float:
    """How much of a capture is sound, in all."""
    frame = CAPTURE_HZ // 1000
    samples = np.abs(np.frombuffer(captured, np.int16).astype(int))
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return float((frames.max(axis=1) > AUDIBLE).sum())


async def hear(microphone: HardwareMicrophone, seconds: float) -> bytes:
    heard = b""
    while len(heard) < seconds * RATE_HZ * 2:
        block = await asyncio.wait_for(microphone.read(), 10)
        assert block is not None
        heard += block.pcm
    return heard


async def test_microphone_hears_a_sentence(
    sound: SoundSystem, sentence: bytes, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "said.wav", sentence, RATE_HZ)
    microphone = HardwareMicrophone()
    await microphone.open(RATE_HZ)
    await hear(microphone, 0.5)
    await until_recognised(lambda: hear_sentence(sound, microphone, path))
    await microphone.close()
    assert await microphone.read() is None


async def hear_sentence(sound: SoundSystem, microphone: HardwareMicrophone, path: Path) -> bytes:
    """What the microphone hears while a WAV file is played into it."""
    speaking = asyncio.create_task(sound.speak(path))
    heard = b""
    while not speaking.done():
        heard += await hear(microphone, 0.1)
    await speaking
    return heard + await hear(microphone, 1)


async def test_loudspeaker_plays_a_sentence(
    sound: SoundSystem, sentence: bytes, tmp_path: Path
) -> None:
    capture = tmp_path / "heard.raw"
    loudspeaker = HardwareLoudspeaker()
    begun: list[str] = []
    await loudspeaker.open(RATE_HZ, on_first_sound=begun.append)
    sound.capture(capture)
    await asyncio.sleep(2)
    said_bytes = 0

    async def take() -> bytes:
        nonlocal said_bytes
        item_id = f"take_{len(begun)}"
        loudspeaker.write(item_id, 0, sentence)
        await asyncio.wait_for(loudspeaker.drained(), 20)
        assert begun[-1] == item_id
        assert loudspeaker.played(item_id, 0).played_ms == len(sentence) * 1000 // (2 * RATE_HZ)
        await asyncio.sleep(1)
        captured = capture.read_bytes()
        new = captured[said_bytes : len(captured) // 2 * 2]
        said_bytes += len(new)
        samples = np.frombuffer(new, np.int16).astype(np.float32) / 32768
        return to_pcm16(resample(samples, CAPTURE_HZ, RATE_HZ))

    await until_recognised(take)
    await loudspeaker.close()


async def test_loudspeaker_falls_silent_when_cut(sound: SoundSystem, tmp_path: Path) -> None:
    """What was handed to the hardware is played, and nothing behind it."""
    noise = (np.random.default_rng(1).uniform(-1, 1, RATE_HZ * 30) * 8000).astype(np.int16)
    capture = tmp_path / "heard.raw"
    loudspeaker = HardwareLoudspeaker()
    await loudspeaker.open(RATE_HZ)
    recorder = sound.capture(capture)
    await asyncio.sleep(2)
    loudspeaker.write("long", 0, noise.tobytes())
    started_s = time.monotonic()
    await asyncio.sleep(1.5)
    cut = loudspeaker.cut()
    elapsed_ms = (time.monotonic() - started_s) * 1000
    assert loudspeaker.queued_ms == 0
    await asyncio.sleep(2)
    recorder.terminate()
    recorder.wait()
    await loudspeaker.close()
    assert cut is not None
    assert cut.item_id == "long"
    # The clock of the sound is the sound card's; before it starts it asks for its buffer's worth.
    assert 0 < cut.played_ms < elapsed_ms + 500
    captured = capture.read_bytes()
    assert audible_ms(captured) <= cut.played_ms + BLOCK_MS + 5
    assert audible_ms(captured) > cut.played_ms / 2
    assert audible_ms(captured[-CAPTURE_HZ:]) == 0, "half a second of silence at the end"


@pytest.mark.parametrize("hardware_hz", [48_000, 44_100])
async def test_hardware_without_the_rate_of_the_session(
    sound: SoundSystem,
    sentence: bytes,
    hardware_hz: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PulseAudio takes any rate, so PortAudio is made to refuse all but one."""
    import pyaudio

    really_open = pyaudio.PyAudio.open

    def open_one_rate(self: object, **options: object) -> object:
        if options["rate"] != hardware_hz:
            raise OSError(-9997, "Invalid sample rate")
        return really_open(self, **options)

    monkeypatch.setattr(pyaudio.PyAudio, "open", open_one_rate)
    microphone, loudspeaker = HardwareMicrophone(), HardwareLoudspeaker()
    await loudspeaker.open(RATE_HZ)
    await microphone.open(RATE_HZ)
    await hear(microphone, 0.5)
    # From the loudspeaker back into the microphone: both resample.
    sound.control("load-module", "module-loopback", "source=speaker.monitor", "sink=speech")
    await hear(microphone, 1)

    async def take() -> bytes:
        loudspeaker.write("a", 0, sentence)
        return await hear(microphone, len(sentence) / RATE_HZ / 2 + 2.5)

    await until_recognised(take)
    await loudspeaker.close()
    await microphone.close()


async def test_the_loudspeaker_is_known_in_the_microphone(
    sound: SoundSystem, sentence: bytes, tmp_path: Path
) -> None:
    """And a voice that it did not play is not taken for it."""
    said = np.frombuffer(sentence, np.int16)
    loudspeaker, microphone = HardwareLoudspeaker(), HardwareMicrophone()
    await loudspeaker.open(RATE_HZ)
    await microphone.open(RATE_HZ)
    await hear(microphone, 0.5)

    async def listen() -> bool:
        """Whether it takes for an echo what it hears while the agent speaks."""
        ear = Ear(RATE_HZ)
        loudspeaker.write("answer", 0, sentence)
        for _ in range(80):
            ear.hear(await hear(microphone, 0.02))
        is_echo = ear.hears(loudspeaker.recent(), RATE_HZ)
        await asyncio.wait_for(loudspeaker.drained(), 20)
        return is_echo

    other = write_wav(tmp_path / "other.wav", said[::-1].tobytes(), RATE_HZ)
    speaking = asyncio.create_task(sound.speak(other))
    assert not await listen()
    await speaking
    sound.control("load-module", "module-loopback", "source=speaker.monitor", "sink=speech")
    await hear(microphone, 1)
    # A busy machine tears holes into it, and then it is another sound.
    assert any([await listen() for _ in range(TAKES)])
    await loudspeaker.close()
    await microphone.close()


async def test_microphone_that_is_not_read_drops_the_oldest(sound: SoundSystem) -> None:
    microphone = HardwareMicrophone()
    await microphone.open(RATE_HZ)
    await hear(microphone, 0.2)
    time.sleep(2)  # the event loop is held, too: wake-ups must not pile up
    started_s = time.monotonic()
    await hear(microphone, 0.9)
    assert time.monotonic() - started_s < 0.9
    assert microphone.dropped_ms > 200
    await microphone.close()


async def test_lost_devices_are_opened_again(
    sound: SoundSystem, sentence: bytes, tmp_path: Path
) -> None:
    """All sinks go, and with them what records from them; then they come back."""
    said: list[str] = []
    lost, back = asyncio.Event(), asyncio.Event()

    def tell(text: str) -> None:
        said.append(text)
        kinds = " ".join(said)
        for event, word in ((lost, "gone"), (back, "back")):
            if kinds.count(word) == 2:
                event.set()

    microphone, loudspeaker = HardwareMicrophone(), HardwareLoudspeaker("default")
    await loudspeaker.open(RATE_HZ, on_status=tell)
    await microphone.open(RATE_HZ, on_status=tell)
    await hear(microphone, 0.5)
    await asyncio.sleep(0.5)
    for line in sound.control("list", "short", "modules").splitlines()[::-1]:
        number, name, *_ = line.split()
        if name != "module-native-protocol-unix":
            sound.control("unload-module", number)
    await asyncio.wait_for(lost.wait(), 20)
    assert await hear(microphone, 0.5) == bytes(RATE_HZ)  # silence, at the pace of speech
    loudspeaker.write("kept", 0, sentence)
    sound.load_devices()
    await asyncio.wait_for(back.wait(), 40)
    await asyncio.wait_for(loudspeaker.drained(), 20)
    assert loudspeaker.played("kept", 0).played_ms > 0
    path = write_wav(tmp_path / "said.wav", sentence, RATE_HZ)
    await hear(microphone, 0.3)
    await until_recognised(lambda: hear_sentence(sound, microphone, path))
    await microphone.close()
    await loudspeaker.close()


async def test_devices_by_number_and_name(sound: SoundSystem) -> None:
    devices = list_devices()
    default = next(device for device in devices if device.default_input)
    for wanted in (default.number, str(default.number), default.name.upper()):
        microphone = HardwareMicrophone(wanted)
        await microphone.open(RATE_HZ)
        await microphone.close()
    with pytest.raises(DeviceError, match=r"no loudspeaker is 'gramophone'; choose one of"):
        await HardwareLoudspeaker("gramophone").open(RATE_HZ)
    assert "microphone, default" in str(default)


class FakeStream:
    """A loudspeaker's stream at another rate than the session's, moved by the test."""

    rate_hz = 48_000
    latency_s = 0.0
    lost = False

    def __init__(self, *arguments: object, **callbacks: object) -> None: ...

    async def open(self, rate_hz: int) -> None: ...


async def test_the_last_sample_is_out_when_the_loudspeaker_is_drained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A resampler looks ahead: who hung up after the answer's end cut off its last 30 ms."""
    monkeypatch.setattr("voicelive_agent.client.sound.hardware_devices.DeviceStream", FakeStream)
    loudspeaker = HardwareLoudspeaker()
    await loudspeaker.open(24_000)
    given = b""

    async def sleep(seconds: float) -> None:
        nonlocal given
        given += loudspeaker._give(b"", round(seconds * 48_000))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    loudspeaker.write("a", 0, np.full(24_000 // 2, 5000, np.int16).tobytes())
    await loudspeaker.drained()
    samples = np.frombuffer(given, np.int16)
    assert (samples[: 48_000 // 2] > 2000).all()
    assert 48_000 // 2 <= len(samples) < 48_000 // 2 + 48_000 // 10


def test_gaps_in_the_sound_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer was torn, and nobody said why."""
    now_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    stream = portaudio_stream.DeviceStream(
        "loudspeaker",
        None,
        lambda pcm, frames: bytes(2 * frames),
        on_change=lambda: None,
        on_status=ignore,
    )
    for block in range(100):
        now_s[0] += 1.0 if block % 20 == 19 else 0.02
        stream._on_audio(None, 320, None, 0)
    assert stream._stutters == 5


async def test_driver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio_stream, "CALL_LIMIT_S", 0.05)
    with pytest.raises(DeviceError, match="does not answer"):
        await portaudio_stream.call(lambda: time.sleep(1))
