/** Sessions view: calls of others, live and past, and recordings with what can be done with them. */

import { html, nothing } from "../vendor/lit.js";
import { renderChanges } from "./changes.js";
import { saveFile } from "./event-log.js";
import { define, lengthOf, Part } from "./part.js";

const SPEEDS = [1, 2, 4];

export class SessionsView extends Part {
	static shows = ["sessions", "kind", "own", "chosen", "about", "choose"];

	constructor() {
		super();
		/** @type {Sessions} */
		this.sessions = /** @type {any} */ (undefined);
		/** @type {"calls" | "recordings"} */
		this.kind = "calls";
		/** The page's own session. */
		this.own = "";
		/** The one that is shown. */
		this.chosen = "";
		this.about = null;
		/** Shows another session. @type {(wish: SessionWish) => Promise<void>} */
		this.choose = /** @type {any} */ (undefined);
		this.speed = 1;
		this.problem = "";
	}

	sources() {
		return [this.sessions];
	}

	firstUpdated() {
		void this.sessions.loadRecordings().catch(() => {});
	}

	render() {
		const problem = this.problem ? html`<p class="note error" role="alert">${this.problem}</p>` : nothing;
		return html`${problem}${this.kind === "calls" ? this.renderCalls() : this.renderRecordings()}`;
	}

	renderCalls() {
		const { list } = this.sessions;
		if (!list.length) {
			return html`<p class="quiet">Calls of others appear here as they happen: of the voice client (voicelive-agent talk), an SDK, a test. You can watch them, not speak in them.</p>`;
		}
		return html`<ul class="sessions" aria-label="Calls">${list.map((one) => this.renderCall(one))}</ul>`;
	}

	/** @param {Summary} summary */
	renderCall(summary) {
		const { id, state, answers, began_at, duration_ms } = summary;
		const isOpen = state === "open";
		return html`<li class=${id === this.chosen ? "chosen" : ""} data-session=${id}>
			<span class="state ${isOpen ? "live" : ""}">${isOpen ? "● live" : "○ ended"}</span>
			<span class="what"><b>${answers}</b> <span class="quiet">${timeOf(began_at)}${isOpen ? "" : ` · ${lengthOf(duration_ms)}`} · ${id.slice(0, 14)}</span></span>
			${id === this.own ? html`<span class="quiet">this page's</span>` : html`<button @click=${() => this.show("watch", id)}>${isOpen ? "Watch" : "Look"}</button>`}
		</li>`;
	}

	renderRecordings() {
		const { recordings } = this.sessions;
		if (!recordings.length) {
			const isOff = this.about && !this.about.recording?.on;
			return html`<p class="quiet">${
				isOff
					? "Nothing is recorded. Start the emulator with --record DIRECTORY, and each call is kept there: its sound, its events, to be played to the agent again."
					: "No recordings yet: each call is kept as it goes on."
			}</p>`;
		}
		return html`<ul class="sessions" aria-label="Recordings">${recordings.map((one) => this.renderRecording(one))}</ul>`;
	}

	/** @param {Recording} recording */
	renderRecording(recording) {
		const { id, state, agent_name, model, recorded_at, duration_ms } = recording;
		const replay = this.sessions.replays.get(id);
		const isRunning = replay?.state === "running";
		return html`<li class=${id === this.chosen ? "chosen" : ""} data-session=${id}>
			<span class="what"><b>${agent_name ? `agent ${agent_name}` : `model ${model}`}</b>
				<span class="quiet">${timeOf(recorded_at)} · ${state === "open" ? "going on" : lengthOf(duration_ms)} · ${id.slice(0, 14)}</span></span>
			<button @click=${() => this.show("open", id)}>Open</button>
			<button ?disabled=${isRunning} title="Play it to the agent that runs now, and see what changed" @click=${() => this.replay(id)}>${isRunning ? "Replaying …" : "Replay"}</button>
			<select aria-label="Speed of the replay" @change=${this.chooseSpeed}>
				${SPEEDS.map((speed) => html`<option value=${speed} ?selected=${speed === this.speed}>× ${speed}</option>`)}
			</select>
			<button @click=${() => this.save(id, "recording.wav", `${id}.wav`)}>WAV</button>
			<button title="The events with their sound, for voicelive-agent replay" @click=${() => this.save(id, "events.jsonl", `${id}.jsonl`)}>JSON lines</button>
			<button title="A check made of it, for voicelive-agent check" @click=${() => this.save(id, "check.yaml", `${id}.yaml`)}>Check</button>
			${replay ? renderChanges(replay) : nothing}
		</li>`;
	}

	chooseSpeed({ target }) {
		this.speed = Number(target.value);
		this.requestUpdate();
	}

	/** @param {string} id */
	async replay(id) {
		await this.attempt(async () => {
			const { id: replay } = await this.sessions.replay(id, this.speed);
			await this.choose({ do: "replay", id: replay });
		});
	}

	/** @param {string} id @param {string} path @param {string} name */
	async save(id, path, name) {
		await this.attempt(async () => {
			const answer = await this.sessions.service.request(`/sessions/${encodeURIComponent(id)}/${path}`, { timeoutMs: 600_000 });
			saveFile(name, await answer.blob(), answer.headers.get("content-type") ?? "");
		});
	}

	/** @param {() => Promise<void>} act */
	async attempt(act) {
		this.problem = "";
		try {
			await act();
		} catch (error) {
			this.problem = String(error.message || "Nothing answers at this address.");
		}
		this.requestUpdate();
	}

	/** @param {"watch" | "open"} what @param {string} id */
	show(what, id) {
		void this.attempt(() => this.choose({ do: what, id }));
	}
}

/** @param {string} iso */
function timeOf(iso) {
	const at = new Date(iso);
	const isToday = at.toDateString() === new Date().toDateString();
	return at.toLocaleString([], { ...(isToday ? {} : { dateStyle: "short" }), timeStyle: "short" });
}

define("console-sessions", SessionsView);
