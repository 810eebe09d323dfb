"""The console in Chromium: its first sound, what the page adds to a call, its CPU and its growth.

    python -m benchmarks.console [--calls 9] [--minutes 5]

The agent server and the emulator run as processes, with the voice and the ears of this machine.
CPU is that of every process of the browser, drawing without a GPU; a call's is taken while the
agent speaks and an hour of turns stands on the page.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.emulator.console.rig import Screen, Sound, launch, open_console, write_microphone
from tests.emulator.service import Service, agent_server, emulator

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WATCHED_S = 20
TURNS_OF_AN_HOUR = 360
TURN_S = 10
CHUNK_MS = 20

WATCH_MICROPHONE = """() => {
  const { call } = voiceConsole;
  const { listener } = call.engine;
  const { captured } = listener;
  window.sentAfterMs = [];
  listener.captured = (chunk) => {
    captured(chunk);
    window.sentAfterMs.push(performance.timeOrigin + performance.now() - chunk.at);
  };
}"""

TALK = """() => {
  window.clickedAt = performance.timeOrigin + performance.now();
  document.querySelector("button.talk").click();
}"""

FILL = """(turns) => {
  const { call } = voiceConsole;
  const { session } = call;
  for (let at = 0; at < turns; at++) {
    const item = `old_${at}`;
    const done = "conversation.item.input_audio_transcription.completed";
    const text = "A sentence of the agent, of some length, as they are.";
    session.receive({ type: done, item_id: item, transcript: "what are your opening hours" }, 0);
    const answer = { response_id: `r_${at}`, item_id: `a_${at}` };
    session.receive({ type: "response.audio_transcript.delta", ...answer, delta: text }, 0);
  }
  call.changed();
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        agent_server() as agent,
        emulator("--agent", agent.url) as service,
        sync_playwright() as playwright,
    ):
        microphone = write_microphone(Path(folder) / "silence.wav", [Sound(600, 0.1)])
        with launch(playwright, microphone) as chromium:
            print(f"load of the machine: {os.getloadavg()[0]:.1f}")
            measure_calls(service, chromium, options.calls)
            measure_cpu(service, chromium)
            measure_growth(service, chromium, options.minutes)


def measure_calls(service: Service, chromium: Browser, calls: int) -> None:
    first: list[float] = []
    answers: list[float] = []
    sent: list[float] = []
    for _ in range(calls):
        with open_console(service, chromium, is_tapped=False) as screen:
            screen.page.evaluate(TALK)
            screen.wait_for("[...voiceConsole.call.session.marks.values()][0]?.playing")
            marks = screen.call("[...call.session.marks.values()][0]")
            output_ms = screen.call("call.engine.outputLatencyMs")
            clicked_at = screen.page.evaluate("window.clickedAt")
            first.append(marks["playing"] + output_ms - clicked_at)
            answers.append(marks["playing"] - marks["received"])
            screen.page.evaluate(WATCH_MICROPHONE)
            screen.page.wait_for_timeout(2000)
            sent += screen.page.evaluate("window.sentAfterMs")
    show("click on Talk to the greeting's first sound", first, 700)
    show("the page adds to an answer", answers, 60)
    # A sample waits for the end of its chunk: half of one in the mean.
    show("the page adds to the microphone", [CHUNK_MS / 2 + ms for ms in sent], 20)


def show(name: str, values: Sequence[float], most: float) -> None:
    p95 = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    median = statistics.median(values)
    print(f"{name:46} median {median:6.0f} ms, p95 {p95:6.0f} ms (at most {most:.0f})")


def measure_cpu(service: Service, chromium: Browser) -> None:
    with open_console(service, chromium, is_tapped=False) as screen:
        screen.page.wait_for_timeout(2000)
        print(f"{'an idle page':46} {cpu(screen):6.1f} % of a core (under 5)")
        with calling(screen):
            print(f"{'a call':46} {cpu(screen):6.1f} % of a core (under 25)")
        with calling(screen):
            screen.page.evaluate(FILL, TURNS_OF_AN_HOUR)
            print(f"{'a call after an hour of turns':46} {cpu(screen):6.1f} % of a core (under 25)")


@contextlib.contextmanager
def calling(screen: Screen) -> Iterator[None]:
    screen.talk()
    screen.wait_for_state("speaking")
    ask(screen)
    yield
    screen.page.keyboard.press("t")
    screen.wait_for_state("ended")


def ask(screen: Screen) -> None:
    screen.page.evaluate("voiceConsole.call.write('what are your opening hours')")


def cpu(screen: Screen) -> float:
    """Of the browser's processes while the agent speaks, or the page rests, in % of a core."""
    processes = list(browser_processes())
    began_s, before = time.monotonic(), sum(map(cpu_s, processes))
    while time.monotonic() < began_s + WATCHED_S:
        # The agent goes on speaking: nobody looks at what is drawn then but this.
        if screen.call("call.phase === 'open' && call.state.name === 'listening'"):
            ask(screen)
        screen.page.wait_for_timeout(1000)
    spent_s = sum(map(cpu_s, processes)) - before
    return spent_s / (time.monotonic() - began_s) * 100


def measure_growth(service: Service, chromium: Browser, minutes: float) -> None:
    with open_console(service, chromium, is_tapped=False) as screen:
        session = screen.page.context.new_cdp_session(screen.page)
        screen.talk()
        screen.wait_for_state("speaking")
        sizes: list[tuple[float, float]] = []
        began_s = time.monotonic()
        while (passed_s := time.monotonic() - began_s) < minutes * 60:
            ask(screen)
            screen.page.wait_for_timeout(TURN_S * 1000)
            if passed_s > minutes * 60 / 4:
                sizes.append((passed_s, heap_mb(session)))
        turns = screen.call("call.session.entries.length")
    (at_s, size), (to_s, larger) = sizes[0], sizes[-1]
    by_hour = (larger - size) / (to_s - at_s) * 3600
    print(
        f"{'heap of the page':46} {larger:6.1f} MB after {minutes:g} min and {turns} entries, "
        f"{by_hour:+.0f} MB in an hour at this rate"
    )


def heap_mb(session: Any) -> float:
    """Of the page's script, without what is garbage."""
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


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
