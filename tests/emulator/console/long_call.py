"""A call of an hour on the page without an hour's wait: one real turn, told to it again and again.

Time passes by what is captured and played, as in a call; only the worklet and the network, which
would take their time, are left out. What it costs in the end is the page's own.
"""

from dataclasses import dataclass
from typing import Any

from tests.emulator.console.rig import Screen

TURN_S = 10
"""Of one turn: six a minute."""

KEEP_FRAMES = """() => {
  const { call } = voiceConsole;
  window.turnFrames = [];
  const receive = call.receive.bind(call);
  call.receive = (event, raw) => (window.turnFrames.push(raw), receive(event, raw));
}"""

PASS = """async ([turns, seconds]) => {
  const { call } = voiceConsole;
  const { engine, socket, service } = call;
  if (!window.passTurn) {
    delete call.receive;
    window.passed = 0;
    window.skewMs = 0;
    const clock = performance.now.bind(performance);
    performance.now = () => clock() + window.skewMs;
    const { turns: [first], began_at } = await service.json(`/sessions/${call.session.id}`);
    const rows = [];
    const names = new Set();
    for (const raw of window.turnFrames) {
      const { item_id, response_id, response, item, event_id } = JSON.parse(raw);
      const own = [item_id, response_id, response?.id, item?.id, event_id];
      for (const name of own) if (name) names.add(name);
    }
    const pattern = new RegExp([...names].join("|"), "g");
    const again = (text, number) => text.replace(pattern, (name) => `${name}-${number}`);
    const chunk = () => ({ pcm: new Int16Array(480), rms: 0.01, peak: 0.2 });
    window.passTurn = (seconds) => {
      const number = ++window.passed;
      let item = "";
      let leftMs = seconds * 1000;
      const pass = (message, ms = 20) => {
        window.skewMs += ms;
        leftMs -= ms;
        call.captured(chunk());
        if (message) call.heard({ ...message, pcm: new Int16Array(480), peak: 0.4 });
      };
      let queuedMs = 0;
      engine.play = (name, pcm) => {
        item = name;
        queuedMs += pcm.length / 24;
      };
      engine.end = () => {};
      engine.cut = async () => ({ at: Date.now(), items: [] });
      socket.send = () => {};
      for (const raw of window.turnFrames) {
        const text = again(raw, number);
        call.receive(JSON.parse(text), text);
        pass();
      }
      // On the clock of the turn that is told again, whose marks the row has.
      const beganAt = Date.parse(began_at) + first.marks_ms.first_audio_byte + 9;
      call.heard({ began: item, at: beganAt });
      for (let ms = 0; ms < queuedMs && leftMs > 0; ms += 20) pass({ playing: item, playedMs: ms });
      call.heard({ quiet: item, playedMs: queuedMs, at: beganAt + queuedMs });
      while (leftMs > 0) pass(null, 200);
      rows.push(JSON.parse(again(JSON.stringify({ ...first, number }), number)));
      for (const name of ["play", "end", "cut"]) delete engine[name];
      delete socket.send;
    };
    const { json } = service;
    service.json = async (path, ...rest) => {
      if (path !== `/sessions/${call.session.id}`) return json.call(service, path, ...rest);
      return { turns: structuredClone(rows), began_at };
    };
  }
  for (let at = 0; at < turns; at++) {
    window.passTurn(seconds);
    if (at % 10 === 9) await call.loadTurns();
    await new Promise((resolve) => setTimeout(resolve));
  }
  await call.loadTurns();
  call.changed();
}"""


@dataclass(frozen=True)
class Size:
    """What the page holds, without what is garbage."""

    heap_mb: float
    """Of its script."""
    buffers_mb: float
    """Of sound and of texts, outside of that heap: 29 MB are the newest five minutes' sound."""
    nodes: int
    listeners: int

    @property
    def all_mb(self) -> float:
        return self.heap_mb + self.buffers_mb


def keep_frames(screen: Screen) -> None:
    """From now on the service's frames are kept: those of the turn that is told again."""
    screen.page.evaluate(KEEP_FRAMES)


def pass_minutes(screen: Screen, minutes: float) -> None:
    """More of the call passes, at six turns a minute, by the frames that were kept."""
    screen.page.evaluate(PASS, [round(minutes * 60 / TURN_S), TURN_S])
    screen.page.wait_for_timeout(600)


def size_of(screen: Screen, session: Any) -> Size:
    """``session`` is a CDP session of the page."""
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")
    counted = session.send("Memory.getDOMCounters")
    return Size(
        heap["usedSize"] / 1e6,
        heap.get("backingStorageSize", 0) / 1e6,
        counted["nodes"],
        counted["jsEventListeners"],
    )
