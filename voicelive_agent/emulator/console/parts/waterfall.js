/** Waterfall: each turn's time from the end of speech to the loudspeaker, on one scale. */

import { tell } from "../events.js";
import { html, nothing, svg } from "../vendor/lit.js";
import { percentiles, rowAt, STAGES, scaleMs } from "../wire/turns.js";
import { define, Part } from "./part.js";

/** So many turns are drawn, and all where someone asks for them. */
const SHOWN = 50;

export class Waterfall extends Part {
	static shows = ["selected", "scale"];

	constructor() {
		super();
		this.selected = 0;
		/** Of all that is compared; 0 for one that fits these turns. */
		this.scale = 0;
		/** What is played again now. @type {TurnRow | null} */
		this.current = null;
		this.isWhole = false;
		this.count = 0;
		/** @type {TurnRow[]} */
		this.drawn = [];
	}

	isStale() {
		const { rows, headMs } = this.call;
		return rows !== this.drawn || rowAt(rows, headMs) !== this.current;
	}

	/** The newest turns, or those around the one that is selected or played again. */
	window() {
		const { rows } = this.call;
		if (this.isWhole) return rows;
		const chosen = rows.findIndex((row) => row === this.current || row.turn.number === this.selected);
		const end = chosen < 0 ? rows.length : Math.min(rows.length, Math.max(SHOWN, chosen + SHOWN / 2));
		return rows.slice(Math.max(0, end - SHOWN), end);
	}

	updated() {
		const { length } = this.drawn;
		// The newest turn is in sight, unless someone looks at another one.
		if (length !== this.count && !this.selected && this.call.headMs === null) this.scrollTop = this.scrollHeight;
		this.count = length;
	}

	render() {
		this.drawn = this.call.rows;
		this.current = rowAt(this.drawn, this.call.headMs);
		const rows = this.window();
		if (!rows.length) return html`<p class="quiet">Each turn appears here with what its time was spent on.</p>`;
		const scale = this.scale || scaleMs(rows);
		const { p50, p95, count } = percentiles(this.call.rows);
		return html`<div class="legend">
				${STAGES.map(({ stage, title }) => html`<span><i class="swatch ${stage}"></i>${title}</span>`)}
				<span>scale 0–${scale} ms</span>
				${count ? html`<span><b>p50 ${Math.round(p50 ?? 0)} ms · p95 ${Math.round(p95 ?? 0)} ms</b></span>` : nothing}
			</div>
			${rows.length < this.drawn.length ? html`<button class="link" @click=${this.showAll}>All ${this.drawn.length} turns</button>` : nothing}
			<div class="rows" role="listbox" aria-label="Turns">
				${rows.map((row) => this.renderRow(row, scale))}
			</div>`;
	}

	/** @param {TurnRow} row @param {number} scale */
	renderRow(row, scale) {
		const { turn, segments, totalMs, isCut, isUnanswered } = row;
		const isSelected = turn.number === this.selected;
		return html`<button role="option" class=${row === this.current ? "turn now" : "turn"} aria-selected=${isSelected} data-turn=${turn.number} @click=${() => tell(this, "turn-selected", row)}>
			<span class="label"><b>${turn.number}</b> ${row.label}${isCut ? ", barged in" : ""}</span>
			<svg class="bars" height="18" aria-hidden="true">
				${gridLines(scale).map((ms) => svg`<line x1=${percent(ms, scale)} x2=${percent(ms, scale)} y1="0" y2="18"/>`)}
				${segments.map(
					(segment) => svg`<rect class=${`${segment.stage}${segment.isEstimated ? " estimated" : ""}`} x=${percent(segment.fromMs, scale)}
						width=${percent(segment.toMs - segment.fromMs, scale)} y="1" height="16" rx="2"><title>${titleOf(segment)}</title></rect>`,
				)}
			</svg>
			<span class="total">${isUnanswered ? html`<span class="quiet">no answer asked for</span>` : totalMs === null ? "…" : `${Math.round(totalMs)} ms`}${
				isCut ? html` <span class="cut">✂</span>` : nothing
			}</span>
		</button>`;
	}

	showAll() {
		this.isWhole = true;
		this.requestUpdate();
	}
}

/** @param {Segment} segment */
function titleOf({ stage, fromMs, toMs }) {
	const title = STAGES.find((one) => one.stage === stage)?.title ?? stage;
	return `${title}: ${Math.round(toMs - fromMs)} ms (${Math.round(fromMs)} to ${Math.round(toMs)})`;
}

/** @param {number} ms @param {number} scale */
function percent(ms, scale) {
	return `${((ms / scale) * 100).toFixed(2)}%`;
}

/** @param {number} scale */
function gridLines(scale) {
	const step = [1000, 5000, 10_000].find((ms) => scale / ms <= 12) ?? 60_000;
	return Array.from({ length: Math.min(12, Math.ceil(scale / step) - 1) }, (_, index) => (index + 1) * step);
}

define("console-waterfall", Waterfall);
