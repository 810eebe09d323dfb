/**
 * Observed session: one that another client holds, or a recording of one, as feed and file tell it.
 *
 * It can be shown in the place of the page's own call, and can't be spoken to. Times are ms since
 * the session began.
 */

import { bytesMs, lengthMs } from "../audio/formats.js";
import { Source, tell } from "../events.js";
import { Lanes } from "./lanes.js";
import { EventLog, summarise } from "./log.js";
import { Session } from "./session.js";
import { toRow } from "./turns.js";

/** Tells `change` when there is something new to draw, and `moved` when its sound goes on. */
export class Observed extends Source {
	/** @param {string} id @param {{isRecording?: boolean, title?: string}} [what] */
	constructor(id, { isRecording = false, title = "" } = {}) {
		super();
		this.id = id;
		this.title = title;
		this.isRecording = isRecording;
		this.session = new Session();
		this.session.id = id;
		this.log = new EventLog();
		this.lanes = new Lanes();
		/** @type {Map<number, TurnRow>} by the number of the turn */
		this.turns = new Map();
		/** @type {Map<string, Span>} by item */
		this.spans = new Map();
		/** @type {any} what the emulator says of the session */
		this.summary = null;
		this.isClosed = isRecording;
		this.lost = 0;
		this.offsetMs = 0;
		/** @type {number | null} what is heard now */
		this.headMs = isRecording ? 0 : null;
	}

	get rows() {
		return [...this.turns.values()];
	}

	/** A page's call is drawn as long as it is open. */
	get phase() {
		return this.isClosed ? "ended" : "open";
	}

	/** It is read only. */
	click() {}

	/** An event of `GET /sessions/{id}/feed`. @param {string} kind */
	receive(kind, data) {
		if (kind === "client") this.note("client", data.event, data.at_ms);
		else if (kind === "server") this.note("server", data.event, data.at_ms);
		else if (kind === "turn") this.addTurn(data.turn);
		else if (kind === "gap") this.lose(data.lost);
		else this.learn(kind, data);
	}

	/** A line of a recording's events. */
	readLine(line) {
		if (line.from) this.note(line.from, line.event, line.at_ms);
		else if (line.kind === "turn") this.addTurn(line.turn);
		else if (line.connection) this.summary = { answers: answerer(line.connection.query ?? {}) };
	}

	/** @param {string} kind */
	learn(kind, summary) {
		if (kind !== "opened" && kind !== "closed") return;
		this.summary = summary;
		this.isClosed = kind === "closed";
		if (this.isClosed) this.session.playing = this.session.waiting = null;
	}

	/** @param {number} count */
	lose(count) {
		this.lost += count;
		this.session.note("info", `${count} earlier events are no longer kept.`);
	}

	/** @param {Turn} turn */
	addTurn(turn) {
		this.turns.set(turn.number, toRow(turn));
	}

	/** @param {"client" | "server"} from @param {any} event what is no object is the text of a frame @param {number} atMs */
	note(from, event, atMs) {
		if (event?.type === "input_audio_buffer.append") {
			// Sound of its microphone is counted, as in the page's own call.
			this.log.addAppend(event.frames ?? 1);
			return;
		}
		const isObject = event !== null && typeof event === "object";
		const shown = isObject ? event : { type: "no JSON", text: String(event) };
		this.lanes.endMs = Math.max(this.lanes.endMs, atMs);
		this.log.add({
			atMs, from, type: String(shown.type ?? ""), raw: isObject ? JSON.stringify(event) : String(event),
			summary: summarise(shown),
			audioMs: shown.type === "response.audio.delta" ? this.durationMs(shown) : 0, response: shown.response_id ?? "",
		});
		if (!isObject) return;
		if (from === "client") this.did(shown);
		else this.answered(shown, atMs);
	}

	/** What the other client did that nobody says again. */
	did(event) {
		const { session } = this;
		const text = typedText(event.item);
		if (event.type === "conversation.item.create" && text) session.typed(text);
		const action = event.type === "response.create" && event.response?.invoke_input;
		if (action) choose(session, JSON.stringify(action));
	}

	/** @param {number} atMs */
	answered(event, atMs) {
		const { session } = this;
		const heard = this.heardAt(atMs);
		session.playing = heard;
		for (const effect of session.receive(event, atMs)) if (effect.do === "cut") this.cut(heard, atMs);
		if (event.type === "response.audio.delta") this.place(event, atMs);
		else if (event.type === "conversation.item.truncated") this.truncate(event.item_id, event.audio_end_ms);
		this.lanes.receive(event, atMs);
		// Only its own client can click.
		session.retire();
	}

	/** Its own client plays an answer from the first sound on. @param {number} atMs */
	place(event, atMs) {
		const entry = this.session.agentEntry(event.item_id);
		if (!entry || entry.cutMs !== null) return;
		const span = this.spans.get(event.item_id) ?? { fromMs: Math.max(atMs, this.busyUntilMs), toMs: 0 };
		entry.audioMs = (span.toMs ? span.toMs - span.fromMs : 0) + this.durationMs(event);
		span.toMs = span.fromMs + entry.audioMs;
		this.spans.set(event.item_id, span);
		this.lanes.answers.set(event.item_id, span);
	}

	get busyUntilMs() {
		let latest = 0;
		for (const { toMs } of this.spans.values()) latest = Math.max(latest, toMs);
		return latest;
	}

	/** @param {number} ms @returns {string | null} the item that is heard then */
	heardAt(ms) {
		for (const [item, { fromMs, toMs }] of this.spans) if (ms >= fromMs && ms < toMs) return item;
		return null;
	}

	durationMs(event) {
		const { output_audio_format: format } = this.session.settings;
		return event.audio_bytes === undefined ? lengthMs(event.delta ?? "", format) : bytesMs(event.audio_bytes, format);
	}

	/** @param {string | null} item @param {number} atMs */
	cut(item, atMs) {
		const span = item ? this.spans.get(item) : undefined;
		if (!item || !span || span.toMs <= atMs) return;
		this.truncate(item, atMs - span.fromMs);
	}

	/** @param {string} item @param {number} heardMs */
	truncate(item, heardMs) {
		const span = this.spans.get(item);
		const entry = this.session.agentEntry(item);
		if (!span || !entry || heardMs >= entry.audioMs) return;
		if (entry.cutMs === null) this.lanes.cut(span.fromMs + heardMs);
		entry.cutMs = entry.serverMs = Math.round(heardMs);
		span.toMs = span.fromMs + heardMs;
	}

	/** What is heard at a moment: the answer, and the word of it. @param {number} ms */
	moveTo(ms) {
		const { session } = this;
		session.playing = this.heardAt(ms);
		for (const [item, { fromMs, toMs }] of this.spans) {
			const entry = session.agentEntry(item);
			if (entry) entry.playedMs = Math.max(0, Math.min(ms, toMs) - fromMs);
		}
		if (this.isRecording) this.headMs = ms;
		else this.lanes.endMs = Math.max(this.lanes.endMs, ms);
		tell(this, this.isRecording ? "change" : "moved");
	}
}

/** @param {Record<string, string>} query of a recorded connection */
function answerer(query) {
	return query["agent-name"] ? `agent ${query["agent-name"]}` : `model ${query.model ?? ""}`;
}

function typedText(item) {
	if (item?.role !== "user" || !Array.isArray(item.content)) return "";
	return item.content.filter((part) => part?.type === "input_text").map((part) => part.text).join(" ");
}

/** The newest button with this action was clicked. @param {Session} session @param {string} action */
function choose(session, action) {
	for (const entry of session.entries.toReversed()) {
		if (entry.kind !== "card" || entry.chosen >= 0 || !Array.isArray(entry.card?.buttons)) continue;
		const at = entry.card.buttons.findIndex((button) => JSON.stringify(button?.action ?? {}) === action);
		if (at < 0) continue;
		entry.chosen = at;
		return;
	}
}
