/** Feed: what happens beside a call (sessions, replays, the agent's server), while the page is open. */

const RETRY_S = [1, 2, 4, 8];

/** Tells each event of `GET /feed` as an Event of that name, with its data as `detail`. */
export class Feed extends EventTarget {
  /** @param {import("./service.js").Service} service */
  constructor(service) {
    super();
    this.service = service;
    this.lastId = "";
    this.tries = 0;
    this.isRunning = false;
  }

  /** For as long as the page lives; started again, nothing changes. */
  async run() {
    if (this.isRunning) return;
    this.isRunning = true;
    for (;;) {
      await this.follow().catch(() => {});
      const waitS = RETRY_S[Math.min(this.tries++, RETRY_S.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
    }
  }

  /** Until the connection ends. An emulator that was started anew tells all that it has. */
  async follow() {
    const { signal } = new AbortController();
    for await (const { event, id, data } of this.service.events("/feed", signal, this.lastId)) {
      this.tries = 0;
      this.lastId = id || this.lastId;
      this.dispatchEvent(new CustomEvent(event, { detail: data }));
    }
  }
}
