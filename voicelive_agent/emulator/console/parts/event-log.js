/** Event log view: a window on the rows that are in sight, whatever their number. */

import { html, nothing } from "../vendor/lit.js";
import { FILTERS } from "../wire/log.js";
import { define, ODD, Part, pretty } from "./part.js";

export const ROW_PX = 20;
const MARGIN_ROWS = 8;
/** So many chunks of microphone more are worth a drawing. */
const COUNTED = 100;
const ARROWS = { client: "▲", server: "▼", page: "●", agent: "◆" };

export class EventLogView extends Part {
	static turn = ODD;

	constructor() {
		super();
		this.drawnVersion = "";
		/** Of the list, in px; and how high all its rows were. */
		this.height = 400;
		this.rowsPx = 0;
		this.sizes = new ResizeObserver(([{ contentRect }]) => {
			this.height = contentRect.height;
			this.requestUpdate();
		});
		this.filter = "main events";
		this.text = "";
		this.follows = true;
		this.opened = 0;
		/** Where it was scrolled to by itself. */
		this.placedPx = 0;
		this.found = /** @type {LogRow[]} */ ([]);
		this.foundVersion = "";
		this.foundIn = this.found;
		this.foundTo = 0;
		this.turn = /** @type {Span | null} */ (null);
	}

	/** Show the events of a span of the call alone. @param {Span | null} turn */
	show(turn) {
		this.turn = turn;
		this.follows = turn === null;
		this.rowsPx = 0;
		this.requestUpdate();
	}

	focusSearch() {
		this.querySelector("input[type=search]")?.focus();
	}

	/** The rows of the filter: extended as the log grows, found anew when something else changes. */
	get rows() {
		const { log } = this.call;
		const version = `${this.filter}|${this.text}|${this.turn?.fromMs}`;
		const isGrown = this.foundVersion === version && this.foundIn === log.rows && this.foundTo <= log.rows.length;
		const fresh = isGrown ? log.rows.slice(this.foundTo) : log.rows;
		const kept = log.find(this.filter, this.text, fresh).filter(({ atMs }) => !this.turn || (atMs >= this.turn.fromMs && atMs <= this.turn.toMs));
		if (isGrown) for (const row of kept) this.found.push(row);
		else this.found = kept;
		this.foundVersion = version;
		this.foundIn = log.rows;
		this.foundTo = log.rows.length;
		return this.found;
	}

	/** The row that a recording has come to, or -1. */
	get current() {
		const headMs = this.call.headMs;
		return headMs === null || !this.found.length ? -1 : Math.max(0, countUntil(this.found, headMs) - 1);
	}

	disconnectedCallback() {
		super.disconnectedCallback();
		this.sizes.disconnect();
	}

	firstUpdated() {
		if (this.list) this.sizes.observe(this.list);
	}

	isStale() {
		return this.drawnVersion !== this.version;
	}

	get version() {
		const { log, headMs } = this.call;
		return `${log.version} ${Math.floor(log.appends / COUNTED)} ${headMs}`;
	}

	get list() {
		return this.querySelector(".log");
	}

	render() {
		const { rows } = this;
		const { height } = this;
		this.drawnVersion = this.version;
		const lastTop = Math.max(0, rows.length * ROW_PX - height);
		const current = this.current;
		const top = current >= 0 && this.follows ? topOf(current, height, lastTop) : this.follows ? lastTop : Math.min(this.list?.scrollTop ?? 0, lastTop);
		const first = Math.max(0, Math.floor(top / ROW_PX) - MARGIN_ROWS);
		const shown = rows.slice(first, Math.ceil((top + height) / ROW_PX) + MARGIN_ROWS);
		return html`
			<div class="tools">
				<input type="search" aria-label="Search events" placeholder="Search events  (Ctrl+F)" .value=${this.text} @input=${this.search}>
				<select aria-label="Which events" @change=${this.choose}>
					${Object.keys(FILTERS).map((name) => html`<option ?selected=${name === this.filter}>${name}</option>`)}
				</select>
				<button @click=${this.copy} title="Copy these events as JSON lines">Copy</button>
				<button @click=${this.export} title="Save these events as a file of JSON lines">Export</button>
				<label><input type="checkbox" .checked=${this.follows} @change=${this.follow}> follow</label>
			</div>
			${this.turn ? html`<p class="filter-note">Events of the selected turn. <button class="link" @click=${() => this.show(null)}>Show all</button></p>` : nothing}
			<div class="log" tabindex="0" role="grid" aria-label="Events" aria-rowcount=${rows.length} @scroll=${this.scrolled} @keydown=${this.key}>
				<svg class="height" width="1" height=${rows.length * ROW_PX} aria-hidden="true"></svg>
				${shown.map((row, index) => this.renderRow(row, first + index, current))}
			</div>
			${this.renderOpened()}
			<p class="quiet counts">${rows.length} of ${this.call.log.rows.length} rows · ${this.call.log.appends} chunks of microphone sent</p>`;
	}

	/** @param {LogRow} row @param {number} index @param {number} current */
	renderRow(row, index, current) {
		const isOpen = row.number === this.opened;
		const tone = /^(error|page\.silent|conversation\.item\.truncated?)$/.test(row.type) ? "bad" : row.from;
		const many = row.count > 1 ? ` × ${row.count}` : "";
		const sound = row.audioMs ? ` · ${(row.audioMs / 1000).toFixed(2)} s` : "";
		return html`<div class="event ${tone} ${isOpen ? "open" : ""} ${index === current ? "now" : ""}" role="row" aria-rowindex=${index + 1} .style=${`top: ${index * ROW_PX}px`}
			@click=${() => this.open(row)}><span role="gridcell">${ARROWS[row.from]} ${(row.atMs / 1000).toFixed(3)} ${shorten(row.type)}${many}${sound} ${row.summary}</span></div>`;
	}

	renderOpened() {
		const row = this.found.find(({ number }) => number === this.opened);
		if (!row) return nothing;
		return html`<div class="opened">
			<div><b>${row.type}</b> <button @click=${() => copyText(row.raw)}>Copy frame</button> <button @click=${() => this.open(row)}>Close</button></div>
			<pre tabindex="0">${pretty(row.raw, fold)}</pre>
		</div>`;
	}

	updated() {
		const { list } = this;
		const { current } = this;
		const rowsPx = this.found.length * ROW_PX + this.height;
		if (!list || !this.follows || (current < 0 && rowsPx === this.rowsPx)) return;
		this.rowsPx = rowsPx;
		list.scrollTop = current < 0 ? list.scrollHeight : topOf(current, list.clientHeight, list.scrollHeight);
		this.placedPx = list.scrollTop;
	}

	/** @param {LogRow} row */
	open(row) {
		this.opened = this.opened === row.number ? 0 : row.number;
		if (this.opened) this.follows = false;
		this.requestUpdate();
	}

	scrolled() {
		const { list } = this;
		if (!list) return;
		// Followed until someone scrolls: what grew since it was placed is not their doing.
		const movedPx = list.scrollTop - this.placedPx;
		if (movedPx < -ROW_PX * 2 || (this.current >= 0 && movedPx > ROW_PX * 2)) this.follows = false;
		this.requestUpdate();
	}

	/** @param {KeyboardEvent} event */
	key(event) {
		const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (!move || !this.found.length) return;
		event.preventDefault();
		const at = this.found.findIndex(({ number }) => number === this.opened);
		const next = this.found[Math.max(0, Math.min(this.found.length - 1, (at < 0 ? this.found.length : at) + move))];
		this.opened = next.number;
		this.follows = false;
		this.requestUpdate();
	}

	search({ target }) {
		this.text = target.value;
		this.requestUpdate();
	}

	choose({ target }) {
		this.filter = target.value;
		this.requestUpdate();
	}

	follow({ target }) {
		this.follows = target.checked;
		this.rowsPx = 0;
		this.requestUpdate();
	}

	get lines() {
		return this.found.map(({ raw }) => raw).join("\n");
	}

	copy() {
		void copyText(this.lines);
	}

	export() {
		saveFile(`${this.call.session.id || "events"}.jsonl`, this.lines, "application/jsonl");
	}
}

/** How many rows are not later than `ms`. @param {LogRow[]} rows @param {number} ms */
function countUntil(rows, ms) {
	let [from, to] = [0, rows.length];
	while (from < to) {
		const middle = (from + to) >> 1;
		if (rows[middle].atMs <= ms) from = middle + 1;
		else to = middle;
	}
	return from;
}

/** Where a list is scrolled to that shows a row in its middle. @param {number} index @param {number} height @param {number} lastTop */
function topOf(index, height, lastTop) {
	return Math.max(0, Math.min(lastTop, Math.round(index * ROW_PX - height / 2)));
}

/** @param {string} type */
function shorten(type) {
	return type.replace("conversation.item.input_audio_transcription", "…input_audio_transcription");
}

/** Long base64 says nothing to the eye. @param {string} _key @param {any} value */
function fold(_key, value) {
	return typeof value === "string" && value.length > 2000 ? `${value.slice(0, 60)}… (${value.length})` : value;
}

/** @param {string} text */
export async function copyText(text) {
	await navigator.clipboard?.writeText(text);
}

/** @param {string} name @param {BlobPart} content @param {string} type */
export function saveFile(name, content, type) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([content], { type }));
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

define("console-event-log", EventLogView);
