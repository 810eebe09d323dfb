/** Stage: which session the page shows, its own call, one of another client, or a recording, and its sound. */

import { Player } from "../audio/player.js";
import { on, Source } from "../events.js";
import { Sessions } from "../sessions.js";
import { writeWav } from "../wire/wav.js";

const FRESH_MS = 10_000;
const POLL_MS = 300;

/** Tells `change` when another session is shown, or when its sound begins, goes on or ends. */
export class Stage extends Source {
	/** @param {Call} call @param {Feed} feed of the emulator */
	constructor(call, feed) {
		super();
		this.call = call;
		this.sessions = new Sessions(call.service, feed);
		/** @type {Observed | null} */
		this.observed = null;
		/** @type {Blob | null} of the recording that is shown */
		this.wav = null;
		this.stop = () => {};
		this.player = new Player(call.engine, { moved: (ms) => this.moveTo(ms), stopped: () => this.stopped() });
		on(this.sessions, "opened", (summary) => this.greet(summary));
		this.wasOpen = false;
		call.addEventListener("change", () => {
			if (call.isOpen && !this.wasOpen) this.back();
			this.wasOpen = call.isOpen;
		});
	}

	/** What is shown. */
	get shown() {
		return /** @type {any} */ (this.observed ?? this.call);
	}

	async start() {
		await this.sessions.load();
		const open = this.sessions.list.find(({ state }) => state === "open");
		if (open) this.greet(open);
	}

	/** A call of others appears by itself where the page is not in use. @param {Summary} summary */
	greet({ id, began_at, state }) {
		const isUnused = this.call.phase === "idle" && !this.call.session.entries.length && !this.observed;
		const isFresh = state === "open" && Date.now() - Date.parse(began_at) < FRESH_MS;
		if (isUnused && isFresh) this.watch(id);
	}

	/** @param {string} id */
	watch(id) {
		this.leave();
		({ observed: this.observed, stop: this.stop } = this.sessions.watch(id));
		this.changed();
	}

	/** Rejects with a ServiceError. @param {string} id of a recording */
	async open(id) {
		// The click lets it sound.
		await this.call.engine.openLoudspeaker();
		const { observed, wav } = await this.sessions.open(id);
		this.leave();
		this.observed = observed;
		this.wav = wav;
		if (wav) await this.player.load(wav);
		this.changed();
	}

	/** Watch a replay as it goes on. @param {string} id */
	async watchReplay(id) {
		for (;;) {
			const { session_id, state } = await this.call.service.json(`/replays/${id}`);
			if (session_id) this.watch(session_id);
			if (session_id || state !== "running") return;
			await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	}

	/** The page's own call again. */
	back() {
		if (!this.observed) return;
		this.leave();
		this.changed();
	}

	leave() {
		this.stop();
		this.stop = () => {};
		this.player.unload();
		this.wav = null;
		this.observed = null;
	}

	// Sound.

	/** What was heard of both in a span of what is shown, or of another call. @param {Span} span @param {Call} [call] */
	async play({ fromMs, toMs }, { tape } = this.call) {
		const from = Math.max(0, fromMs);
		if (!this.observed) {
			if (!tape.has(from)) return;
			const wav = writeWav(tape.read("you", from, toMs), tape.read("agent", from, toMs));
			await this.player.load(new Blob([wav], { type: "audio/wav" }), from);
		}
		await this.player.play(from, toMs);
		this.changed();
	}

	get isPlaying() {
		return this.player.isPlaying;
	}

	/** @param {number} ms */
	moveTo(ms) {
		if (this.observed) this.observed.moveTo(ms);
		else this.call.replayAt(ms);
	}

	stopped() {
		this.call.replayAt(null);
		if (!this.call.isOpen) void this.call.engine.context?.suspend();
		this.changed();
	}
}
