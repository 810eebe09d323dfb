/** Sessions of the emulator: those that run and ran, recordings, and replays, as its feed tells them. */

import { on, Source, tell } from "./events.js";
import { Feed } from "./feed.js";
import { Observed } from "./wire/observed.js";
import { readPeaks } from "./wire/wav.js";

const TICK_MS = 100;
const KEPT = 200;
const LONG_MS = 600_000;

/** Tells `change`, and `opened` with the summary of a session that has just begun. */
export class Sessions extends Source {
	/** @param {Service} service @param {Feed} feed of the emulator */
	constructor(service, feed) {
		super();
		this.service = service;
		/** @type {Map<string, Summary>} */
		this.known = new Map();
		/** @type {Recording[]} */
		this.recordings = [];
		/** @type {Map<string, Replay>} the newest of each recording */
		this.replays = new Map();
		for (const kind of ["opened", "closed", "replay"]) {
			on(feed, kind, (data) => this.receive(kind, data));
		}
	}

	/** Open sessions before closed ones, newest first. */
	get list() {
		const order = (/** @type {Summary} */ { state, began_at }) => `${state === "open" ? 1 : 0}${began_at}`;
		return [...this.known.values()].sort((one, other) => (order(one) < order(other) ? 1 : -1));
	}

	async load() {
		const { sessions } = await this.service.json("/sessions");
		this.known = new Map(sessions.map((/** @type {Summary} */ one) => [one.id, one]));
		await this.loadRecordings();
	}

	async loadRecordings() {
		this.recordings = (await this.service.json("/recordings")).recordings;
		this.changed();
	}

	/** @param {string} kind */
	receive(kind, data) {
		if (kind === "opened" || kind === "closed") this.learn(data);
		else if (kind === "replay") this.replays.set(data.recording, data);
		else return;
		if (kind === "closed" && data.recorded) void this.loadRecordings().catch(() => {});
		this.changed();
	}

	/** @param {Summary} summary */
	learn(summary) {
		const known = this.known.get(summary.id);
		// The feed begins with what it has kept: a session that has closed stays so.
		if (known?.state === "closed" && summary.state === "open") return;
		this.known.set(summary.id, summary);
		for (const id of [...this.known.keys()].slice(0, Math.max(0, this.known.size - KEPT))) this.known.delete(id);
		if (!known) tell(this, "opened", summary);
	}

	/** A session as it goes on, or went. @param {string} id */
	watch(id) {
		const observed = new Observed(id);
		observed.summary = this.known.get(id) ?? null;
		const feed = new Feed(this.service, `/sessions/${encodeURIComponent(id)}/feed`);
		for (const kind of ["opened", "client", "server", "turn", "gap", "closed"]) {
			on(feed, kind, (data) => {
				observed.receive(kind, data);
				observed.changed();
				if (kind === "closed") stop();
			});
		}
		const timer = setInterval(() => tick(observed), TICK_MS);
		const stop = () => {
			clearInterval(timer);
			feed.stop();
		};
		void feed.run();
		return { observed, stop };
	}

	/** A recording with its events, and then its sound. @param {string} id */
	async open(id) {
		const observed = new Observed(id, { isRecording: true });
		const path = `/sessions/${encodeURIComponent(id)}`;
		const events = await this.service.request(`${path}/events.jsonl?audio=0`, { timeoutMs: LONG_MS });
		for (const line of (await events.text()).split("\n")) if (line) observed.readLine(JSON.parse(line));
		const wav = await this.service.request(`${path}/recording.wav`, { timeoutMs: LONG_MS }).then((answer) => answer.blob()).catch(() => null);
		// Its own sound is drawn in the place of the spans that stand for it.
		if (wav) {
			observed.lanes.answers.clear();
			const put = (/** @type {Side} */ side, /** @type {number} */ atMs, /** @type {number} */ peak) => observed.lanes.put(side, atMs, peak);
			const ms = await readPeaks(/** @type {any} */ (wav.stream()), put);
			observed.lanes.endMs = Math.max(observed.lanes.endMs, ms);
		}
		observed.moveTo(0);
		return { observed, wav };
	}

	/** Play a recording to the agent that runs now. @param {string} id @param {number} speed */
	async replay(id, speed) {
		const path = `/sessions/${encodeURIComponent(id)}/replays`;
		const body = JSON.stringify({ speed });
		const replay = await this.service.json(path, { method: "POST", body, headers: { "content-type": "application/json" } });
		this.replays.set(id, replay);
		this.changed();
		return replay;
	}
}

/** @param {Observed} observed */
function tick(observed) {
	if (observed.isClosed || !observed.summary) return;
	observed.moveTo(performance.timeOrigin + performance.now() - Date.parse(observed.summary.began_at));
}
