/** Event log: the frames of both directions in order, filtered and found without drawing them. */

export const MAX_ROWS = 200_000;

const SOUND = "response.audio.delta";
/** So many of the newest rows of sound have it whole; older ones say how much it was. */
const WHOLE_SOUNDS = 20;
const MAX_TEXTS = 500;
const BLOCK_BYTES = 0x10000;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** A frame; a run of sound of one response is one row with `count` and `audioMs`. */
export class Row {
	/** @param {Frame} frame @param {number} number */
	constructor({ atMs, from, type, summary, audioMs, response }, number) {
		this.number = number;
		this.atMs = atMs;
		this.from = from;
		this.type = type;
		this.summary = summary;
		this.audioMs = audioMs;
		this.response = response;
		this.count = 1;
		/** The frame's text, or the bytes from `start` to `end` of a block. @type {string | Uint8Array} */
		this.text = "";
		this.start = 0;
		this.end = 0;
	}

	get raw() {
		return typeof this.text === "string" ? this.text : DECODER.decode(this.text.subarray(this.start, this.end));
	}
}

/** Texts in blocks of UTF-8: an hour of frames is not on the heap that is searched for garbage. */
class Blocks {
	constructor() {
		this.block = new Uint8Array(0);
		this.used = 0;
	}

	/** @param {Row} row @param {string} text */
	keep(row, text) {
		// A unit of UTF-16 takes at most three bytes.
		const most = text.length * 3;
		if (this.block.length - this.used < most) {
			this.block = new Uint8Array(Math.max(BLOCK_BYTES, most));
			this.used = 0;
		}
		row.text = this.block;
		row.start = this.used;
		this.used += ENCODER.encodeInto(text, this.block.subarray(this.used)).written;
		row.end = this.used;
	}
}
/** What comes by the hundred, interleaved: one row each, until something else happens. */
const RUNS = /^response\.(audio|animation_viseme|audio_timestamp)\.delta$/;

/** @type {Record<string, (row: Row) => boolean>} */
export const FILTERS = {
	"main events": (row) => row.type === SOUND || !RUNS.test(row.type),
	everything: () => true,
	sent: (row) => row.from === "client",
	received: (row) => row.from === "server",
	transcripts: (row) => /transcript/.test(row.type),
	turns: (row) => /^(response\.(created|done)|input_audio_buffer\.|conversation\.item\.truncate)/.test(row.type),
	"cards and calls": (row) => /invocation|function_call|mcp/.test(row.type),
	"the agent's log": (row) => row.from === "agent",
	"errors and warnings": (row) => /^(error|warning)$|failed$/.test(row.type),
};

export class EventLog {
	constructor() {
		/** @type {Row[]} */
		this.rows = [];
		/** @type {Map<string, Row>} rows that what comes next may belong to */
		this.runs = new Map();
		this.blocks = new Blocks();
		/** @type {Map<string, string>} */
		this.texts = new Map();
		/** Those that have their sound whole. @type {Row[]} */
		this.sounds = [];
		this.appends = 0;
		this.numbers = 0;
		this.version = 0;
	}

	/** @param {Frame} frame */
	add(frame) {
		this.version += 1;
		const isRun = RUNS.test(frame.type);
		if (!isRun) this.runs.clear();
		const run = this.runs.get(frame.type + frame.response);
		if (run) {
			run.count += 1;
			run.audioMs += frame.audioMs;
			return;
		}
		const row = new Row({ ...frame, type: this.shared(frame.type), response: this.shared(frame.response) }, ++this.numbers);
		if (frame.type === SOUND) this.keepSound(row, frame.raw);
		else this.blocks.keep(row, frame.raw);
		if (isRun) this.runs.set(frame.type + frame.response, row);
		this.rows.push(row);
		// Dropped by the thousand, since each drop moves all rows.
		if (this.rows.length > MAX_ROWS) this.rows.splice(0, MAX_ROWS / 10);
	}

	/** One copy of a text that comes again and again. @param {string} text */
	shared(text) {
		if (this.texts.size > MAX_TEXTS) this.texts.clear();
		const known = this.texts.get(text);
		if (known === undefined) this.texts.set(text, text);
		return known ?? text;
	}

	/** @param {Row} row @param {string} raw */
	keepSound(row, raw) {
		row.text = raw;
		this.sounds.push(row);
		if (this.sounds.length <= WHOLE_SOUNDS) return;
		const old = /** @type {Row} */ (this.sounds.shift());
		this.blocks.keep(old, old.raw.replace(/"delta":"([^"]{80,})"/, (_all, sound) => `"delta":"${sound.slice(0, 40)}… (${sound.length} characters)"`));
	}

	/** Sound of the microphone: counted, not kept. @param {number} [chunks] */
	addAppend(chunks = 1) {
		this.appends += chunks;
	}

	clear() {
		this.rows = [];
		this.runs.clear();
		this.blocks = new Blocks();
		this.sounds = [];
		this.version += 1;
	}

	/** @param {string} filter @param {string} text @param {Row[]} rows */
	find(filter, text, rows = this.rows) {
		const keep = FILTERS[filter] ?? FILTERS.everything;
		const wanted = text.toLowerCase();
		return rows.filter(
			(row) => keep(row) && (!wanted || row.type.includes(wanted) || row.raw.toLowerCase().includes(wanted)),
		);
	}
}

/** What one line can say of an event. */
export function summarise(event) {
	switch (event.type) {
		case "session.update":
			return `{${Object.keys(event.session ?? {}).join(", ")}}`;
		case "input_audio_buffer.speech_started":
			return `@${event.audio_start_ms} ms`;
		case "input_audio_buffer.speech_stopped":
			return `@${event.audio_end_ms} ms`;
		case "conversation.item.truncate":
		case "conversation.item.truncated":
			return `${event.audio_end_ms} ms`;
		case "response.created":
			return event.response?.id ?? "";
		case "response.create":
			return event.response ? JSON.stringify(event.response) : "";
		case "response.done":
			return event.response?.status ?? "";
		case "response.invocation.delta":
			return `${event.delta?.type ?? ""} ${quote(event.delta?.title ?? "")}`;
		case "error":
			return event.error?.message ?? "";
		case "warning":
			return event.warning?.message ?? "";
		default:
			return quote(event.transcript ?? (/audio\.delta$/.test(event.type) ? "" : (event.delta ?? event.text ?? "")));
	}
}

/** @param {unknown} text */
function quote(text) {
	return typeof text === "string" && text ? `“${text}”` : "";
}
