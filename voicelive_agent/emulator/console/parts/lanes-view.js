/** Lanes view: both voices on one canvas, with speech, ends of turns, cuts, and what is played again. */

import { tell } from "../events.js";
import { html } from "../vendor/lit.js";
import { define, EVEN, lengthOf, Part } from "./part.js";

const SPAN_MS = 20_000;
const HEIGHT = 120;
const COLUMN_PX = 3;
/** Nobody has said anything for so long: the lanes go on in steps, since each drawing costs. */
const QUIET_MS = 1500;
const QUIET_STEP_MS = 1000;
const QUIET_PEAK = 0.02;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const DARK = matchMedia("(prefers-color-scheme: dark)");

export class LanesView extends Part {
	static follows = ["change", "moved"];

	static turn = EVEN;

	constructor() {
		super();
		/** @type {Span | null} */
		this.selection = null;
		this.drawnVersion = "";
		this.drawnMs = 0;
		this.shown = { fromMs: 0, endMs: SPAN_MS };
		/** Asked of the browser as seldom as can be: it lays out the page to tell. */
		this.width = 0;
		this.colors = new Colors();
		this.sizes = new ResizeObserver(([{ contentRect }]) => {
			this.width = contentRect.width;
			this.paint();
		});
	}

	connectedCallback() {
		super.connectedCallback();
		void this.updateComplete.then(() => this.canvas && this.sizes.observe(this.canvas));
	}

	disconnectedCallback() {
		super.disconnectedCallback();
		this.sizes.disconnect();
	}

	get canvas() {
		return this.querySelector("canvas");
	}

	isStale() {
		this.paint();
		return false;
	}

	render() {
		return html`<canvas height=${HEIGHT} role="img" aria-label="20 seconds of both voices" @click=${this.seek}></canvas>`;
	}

	/** What to show instead of the last seconds. @param {Span | null} selection */
	show(selection) {
		this.selection = selection;
		this.paint();
	}

	paint() {
		const { canvas, width } = this;
		if (!canvas || !width) return;
		const { fromMs, endMs } = this.window();
		const { lanes } = this.call;
		this.colors.read(canvas);
		const version = [this.call.headMs, this.selection?.fromMs, fromMs, endMs, this.drawnMs, width, lanes.marks.length, lanes.answers.size, this.colors.theme].join(" ");
		if (version === this.drawnVersion) return;
		this.drawnVersion = version;
		this.shown = { fromMs, endMs };
		new Painting(canvas, width, this.colors, lanes, fromMs, endMs).paint(this.selection, this.call.headMs);
	}

	/** The selected turn, or the page of 20 s that is played again, or the newest. */
	window() {
		if (this.selection) return { fromMs: Math.max(0, this.selection.fromMs - 1000), endMs: this.selection.toMs + 1000 };
		const fromMs = this.call.headMs === null ? Math.max(SPAN_MS, this.newestMs()) - SPAN_MS : Math.floor(this.call.headMs / SPAN_MS) * SPAN_MS;
		return { fromMs, endMs: fromMs + SPAN_MS };
	}

	newestMs() {
		const { endMs, speech } = this.call.lanes;
		const isQuiet = speech.at(-1)?.toMs !== null && this.call.lanes.loudest(endMs - QUIET_MS, endMs) < QUIET_PEAK;
		const stepMs = isQuiet || STILL.matches ? QUIET_STEP_MS : (SPAN_MS / this.width) * COLUMN_PX;
		const stepped = Math.floor(endMs / stepMs) * stepMs;
		// Steps of another length do not lead back; another call does.
		this.drawnMs = endMs < this.drawnMs ? stepped : Math.max(this.drawnMs, stepped);
		// Under reduced motion the lanes go on page by page instead of sliding.
		return STILL.matches ? Math.ceil(endMs / SPAN_MS) * SPAN_MS : this.drawnMs;
	}

	/** @param {MouseEvent} event */
	seek(event) {
		if (!this.width || this.call.headMs === null) return;
		const ms = this.shown.fromMs + (event.offsetX / this.width) * (this.shown.endMs - this.shown.fromMs);
		tell(this, "seek", ms);
	}
}

/** The style sheet's colours, as they are in the theme of now. */
class Colors {
	constructor() {
		this.theme = "";
		/** @type {Record<string, string>} */
		this.of = {};
	}

	/** @param {HTMLCanvasElement} canvas */
	read(canvas) {
		const theme = `${document.documentElement.dataset.theme} ${DARK.matches}`;
		if (theme === this.theme) return;
		this.theme = theme;
		const style = getComputedStyle(canvas);
		for (const name of ["you", "agent", "cut", "quiet", "focus", "select", "spoken", "you-band", "page"]) {
			canvas.style.color = `var(--${name})`;
			this.of[name] = style.color;
		}
	}
}

class Painting {
	/** @param {HTMLCanvasElement} canvas @param {number} width @param {Colors} colors @param {Lanes} lanes @param {number} fromMs @param {number} toMs */
	constructor(canvas, width, colors, lanes, fromMs, toMs) {
		const scale = devicePixelRatio || 1;
		this.width = width;
		if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
		if (canvas.height !== Math.round(HEIGHT * scale)) canvas.height = Math.round(HEIGHT * scale);
		this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
		this.context.setTransform(scale, 0, 0, scale, 0, 0);
		this.color = colors.of;
		this.lanes = lanes;
		this.fromMs = fromMs;
		this.toMs = toMs;
	}

	/** @param {number} ms */
	x(ms) {
		return ((ms - this.fromMs) / (this.toMs - this.fromMs)) * this.width;
	}

	/** @param {Span | null} selection @param {number | null} headMs */
	paint(selection, headMs) {
		const { context } = this;
		context.fillStyle = this.color.page;
		context.fillRect(0, 0, this.width, HEIGHT);
		context.font = "11px system-ui, sans-serif";
		if (selection) this.band(selection.fromMs, selection.toMs, "select", 0, HEIGHT);
		for (const { fromMs, toMs } of this.lanes.speech) this.band(fromMs, toMs ?? this.lanes.endMs, "you-band", 12, 40);
		for (const { fromMs, toMs } of this.lanes.answers.values()) this.band(fromMs, toMs, "spoken", 72, 32);
		this.lane("you", 32);
		this.lane("agent", 88);
		for (const mark of this.lanes.marks) this.mark(mark);
		this.clock();
		if (headMs !== null) this.head(headMs);
	}

	/** How long the call is, where it is drawn anyhow. */
	clock() {
		const { context } = this;
		const text = lengthOf(this.lanes.endMs);
		context.fillStyle = this.color.quiet;
		context.fillText(text, this.width - context.measureText(text).width, 12);
	}

	/** @param {number} ms */
	head(ms) {
		this.context.fillStyle = this.color.focus;
		this.context.fillRect(this.x(ms) - 1, 0, 2, HEIGHT);
	}

	/** @param {number} fromMs @param {number} toMs @param {string} color @param {number} top @param {number} height */
	band(fromMs, toMs, color, top, height) {
		if (toMs < this.fromMs || fromMs > this.toMs) return;
		this.context.fillStyle = this.color[color];
		this.context.fillRect(this.x(fromMs), top, this.x(toMs) - this.x(fromMs), height);
	}

	/** @param {Side} side @param {number} middle */
	lane(side, middle) {
		const { context } = this;
		context.fillStyle = this.color.quiet;
		context.fillText(side, 0, middle - 20);
		context.fillStyle = this.color[side];
		context.fillRect(0, middle, this.width, 0.5);
		const stepMs = ((this.toMs - this.fromMs) / this.width) * COLUMN_PX;
		for (let x = 0; x < this.width; x += COLUMN_PX) {
			const at = this.fromMs + (x / COLUMN_PX) * stepMs;
			const half = Math.min(1, this.lanes.peak(side, at, at + stepMs)) * 24;
			if (half > 0.4) context.fillRect(x, middle - half, COLUMN_PX - 1, half * 2);
		}
	}

	/** @param {{atMs: number, label: string, isCut: boolean}} mark */
	mark({ atMs, label, isCut }) {
		if (atMs < this.fromMs || atMs > this.toMs) return;
		const { context } = this;
		const x = Math.round(this.x(atMs)) + 0.5;
		context.strokeStyle = context.fillStyle = this.color[isCut ? "cut" : "quiet"];
		context.setLineDash([3, 3]);
		context.beginPath();
		context.moveTo(x, 2);
		context.lineTo(x, HEIGHT - 4);
		context.stroke();
		context.setLineDash([]);
		context.fillText(label, x + 4, isCut ? HEIGHT - 2 : 63);
	}
}

define("console-lanes", LanesView);
