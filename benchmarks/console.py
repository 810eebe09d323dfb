"""The console in Chromium: its first sound, what the page adds to a call, its CPU and its growth.

    python -m benchmarks.console [--calls 9] [--seconds 20]

The agent server and the emulator run as processes, with the voice and the ears of this machine.
CPU is that of every process of the browser, drawing without a GPU, while the agent speaks. What a
call takes without any page is taken beside it: a bare page has the same microphone, with its echo
cancelled, the same socket and the same loudspeaker, and shows nothing. An hour of turns is told to
the page in seconds, as ``tests/emulator/console/long_call.py`` does.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.emulator.console.long_call import keep_frames, pass_minutes, size_of
from tests.emulator.console.rig import Screen, Sound, launch, open_console, write_microphone
from tests.emulator.service import Service, agent_server, emulator

TICKS_PER_S = os.sysconf("SC_CLK_TCK")

WATCH_MICROPHONE = """() => {
  const { call } = voiceConsole;
  const { listener } = call.engine;
  const { captured } = listener;
  window.sentAfterMs = [];
  listener.captured = (chunk) => {
    captured(chunk);
    // A sample waits for the end of its chunk: half of one in the mean. Silence may wait longer.
    const waitedMs = performance.timeOrigin + performance.now() - chunk.at;
    if (chunk.peak > 0.01) window.sentAfterMs.push(chunk.pcm.length / 48 + waitedMs);
  };
}"""

TALK = """() => {
  window.clickedAt = performance.timeOrigin + performance.now();
  document.querySelector("button.talk").click();
}"""

BARE = """async () => {
  const audio = { echoCancellation: true, noiseSuppression: false, autoGainControl: false };
  const context = new AudioContext({ sampleRate: 24000, latencyHint: "interactive" });
  await context.audioWorklet.addModule("/console/audio/capture.js");
  const processorOptions = { rateHz: 24000 };
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, processorOptions });
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  context.createMediaStreamSource(stream).connect(node);
  const address = `ws://${location.host}/voice-live/realtime`;
  const query = "api-version=2026-07-15&agent-name=agent&agent-project-name=local";
  const socket = new WebSocket(`${address}?${query}`);
  let untilS = 0;
  let freeS = 0;
  node.port.onmessage = ({ data }) => {
    if (socket.readyState !== 1) return;
    const text = btoa(String.fromCharCode(...new Uint8Array(data.pcm.buffer)));
    socket.send(`{"type":"input_audio_buffer.append","audio":"${text}"}`);
  };
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type !== "response.audio.delta") return;
    const bytes = Uint8Array.from(atob(event.delta), (letter) => letter.charCodeAt(0));
    const pcm = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
    const sound = context.createBuffer(1, pcm.length, 24000);
    sound.copyToChannel(pcm, 0);
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(context.destination);
    freeS = Math.max(freeS, context.currentTime);
    source.start(freeS);
    freeS += sound.duration;
    untilS = freeS;
  };
  window.goOn = (text) => {
    if (socket.readyState !== 1 || context.currentTime < untilS) return;
    const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
    socket.send(JSON.stringify({ type: "conversation.item.create", item }));
    socket.send(JSON.stringify({ type: "response.create" }));
    untilS = context.currentTime + 3;
  };
  window.spokenS = () => freeS;
}"""
"""A page that does what a call needs, and nothing else."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement of CPU")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        agent_server() as agent,
        emulator("--agent", agent.url) as service,
        sync_playwright() as playwright,
    ):
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
        question = Sound(1.5, text="what are your opening hours, and is there a table")
        microphone = write_microphone(Path(folder) / "question.wav", [question])
        with launch(playwright, microphone) as chromium:
            measure_calls(service, chromium, options.calls)
        microphone = write_microphone(Path(folder) / "silence.wav", [Sound(600, 0.1)])
        with launch(playwright, microphone) as chromium:
            measure_cpu(service, chromium, options.seconds)


def measure_calls(service: Service, chromium: Browser, calls: int) -> None:
    first: list[float] = []
    answers: list[float] = []
    sent: list[float] = []
    for _ in range(calls):
        with open_console(service, chromium, is_tapped=False) as screen:
            screen.page.wait_for_timeout(1000)
            screen.page.evaluate(TALK)
            screen.wait_for("[...voiceConsole.call.session.marks.values()][0]?.playing")
            marks = screen.call("[...call.session.marks.values()][0]")
            output_ms = screen.call("call.engine.outputLatencyMs")
            clicked_at = screen.page.evaluate("window.clickedAt")
            first.append(marks["playing"] + output_ms - clicked_at)
            answers.append(marks["playing"] - marks["received"])
            screen.page.evaluate(WATCH_MICROPHONE)
            screen.page.wait_for_timeout(4000)
            sent += screen.page.evaluate("window.sentAfterMs")
    show("click on Talk to the greeting's first sound", first, 700)
    show("the page adds to an answer", answers, 60)
    show("the page adds to the microphone", sent, 20)


def show(name: str, values: Sequence[float], most: float) -> None:
    p95 = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    median = statistics.median(values)
    print(f"{name:46} median {median:6.0f} ms, p95 {p95:6.0f} ms (at most {most:.0f})")


def measure_cpu(service: Service, chromium: Browser, seconds: float) -> None:
    bare = cpu_of_bare_page(service, chromium, seconds)
    print(f"{'a bare page that hears and speaks':46} {bare:6.1f} % of a core")
    with open_console(service, chromium, is_tapped=False) as screen:
        screen.page.wait_for_timeout(2000)
        show_cpu("an idle page", cpu(screen, seconds), 5)
        with calling(screen):
            show_cpu("a call", (call := cpu(screen, seconds)), 25)
            print(f"{'of which the console':46} {call - bare:6.1f} %, {call / bare:.2f} bare pages")
        measure_hour(screen, seconds)


def show_cpu(name: str, percent: float, most: float) -> None:
    print(f"{name:46} {percent:6.1f} % of a core (under {most:.0f})")


def cpu_of_bare_page(service: Service, chromium: Browser, seconds: float) -> float:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    # Any page of the emulator's that has no script of its own.
    page.goto(f"{service.url}/console/console.css")
    page.evaluate(BARE)
    page.wait_for_timeout(2000)
    go_on = "() => window.goOn('what are your opening hours')"
    percent = watch(page, lambda: page.evaluate(go_on), seconds)
    assert page.evaluate("() => window.spokenS()") > 0, "it heard nothing"
    context.close()
    return percent


def measure_hour(screen: Screen, seconds: float) -> None:
    """CPU and size after ten minutes and after an hour of one call."""
    session = screen.page.context.new_cdp_session(screen.page)
    screen.page.evaluate("() => voiceConsole.call.prefer({ isGreeting: false })")
    screen.talk()
    screen.wait_for("voiceConsole.call.phase === 'open' && voiceConsole.call.session.isReady")
    keep_frames(screen)
    ask(screen)
    screen.wait_for("voiceConsole.call.session.entries.some((e) => e.isDone)")
    screen.wait_for("voiceConsole.call.session.playing === null")
    for passed, minutes in (("ten minutes", 10), ("an hour", 50)):
        pass_minutes(screen, minutes)
        size = size_of(screen, session)
        print(
            f"{f'the page after {passed}':46} {size.heap_mb:6.1f} MB of heap, "
            f"{size.buffers_mb:.1f} MB of buffers, {size.nodes} nodes, {size.listeners} listeners"
        )
        show_cpu(f"a call after {passed}", cpu(screen, seconds), 25)
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")


@contextlib.contextmanager
def calling(screen: Screen) -> Iterator[None]:
    screen.talk()
    screen.wait_for_state("speaking")
    ask(screen)
    screen.page.wait_for_timeout(2000)
    yield
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")


def ask(screen: Screen) -> None:
    screen.page.evaluate("voiceConsole.call.write('what are your opening hours')")


def cpu(screen: Screen, seconds: float) -> float:
    """Of the browser's processes while the agent speaks, or the page rests, in % of a core."""

    def go_on() -> None:
        # The agent goes on speaking: nobody looks at what is drawn then but this.
        if screen.call("call.phase === 'open' && call.state.name === 'listening'"):
            ask(screen)

    return watch(screen.page, go_on, seconds)


def watch(page: Page, go_on: Callable[[], object], seconds: float) -> float:
    processes = list(browser_processes())
    began_s, before = time.monotonic(), sum(map(cpu_s, processes))
    while time.monotonic() < began_s + seconds:
        go_on()
        page.wait_for_timeout(1000)
    spent_s = sum(map(cpu_s, processes)) - before
    return spent_s / (time.monotonic() - began_s) * 100


def browser_processes() -> Iterator[int]:
    """Chromium's processes that are descendants of this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = int(_stat(int(entry.name))[1])
    for pid in parents:
        ancestor = pid
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor]
        if ancestor == os.getpid() and "chromium" in _command(pid):
            yield pid


def cpu_s(pid: int) -> float:
    try:
        fields = _stat(pid)
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the process' name."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", errors="replace")
    return ""


if __name__ == "__main__":
    main()
