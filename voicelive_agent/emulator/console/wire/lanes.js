/** Lanes: peaks of both voices on one timeline, with speech, ends of turns and cuts. */

const STEP_MS = 20;
/** An hour of peaks. */
const MAX_STEPS = 180_000;

export class Lanes {
	constructor() {
		this.peaks = { you: new Uint8Array(3000), agent: new Uint8Array(3000) };
		this.endMs = 0;
		/** @type {{item: string, fromMs: number, toMs: number | null}[]} */
		this.speech = [];
		/** @type {{atMs: number, label: string, isCut: boolean}[]} */
		this.marks = [];
		/** Answers of which the sound itself is not here, by item. @type {Map<string, Span>} */
		this.answers = new Map();
	}

	clear() {
		Object.assign(this, new Lanes());
	}

	/** @param {Side} side @param {number} atMs @param {number} peak 0 to 1 */
	put(side, atMs, peak) {
		const at = Math.floor(atMs / STEP_MS);
		if (at < 0 || at >= MAX_STEPS) return;
		let peaks = this.peaks[side];
		if (at >= peaks.length) {
			const longer = new Uint8Array(Math.min(MAX_STEPS, Math.max(at + 1, peaks.length * 2)));
			longer.set(peaks);
			this.peaks[side] = peaks = longer;
		}
		peaks[at] = Math.max(peaks[at], Math.min(255, Math.round(peak * 255)));
		this.endMs = Math.max(this.endMs, atMs);
	}

	/** @param {number} atMs */
	receive(event, atMs) {
		if (event.type === "input_audio_buffer.speech_started") {
			this.speech.push({ item: event.item_id, fromMs: atMs, toMs: null });
		} else if (event.type === "input_audio_buffer.speech_stopped") {
			const last = this.speech.at(-1);
			if (last) last.toMs = atMs;
			this.marks.push({ atMs, label: "end of turn", isCut: false });
		}
	}

	/** @param {number} atMs */
	cut(atMs) {
		this.marks.push({ atMs, label: "✂ cut", isCut: true });
	}

	/** Of both. @param {number} fromMs @param {number} toMs */
	loudest(fromMs, toMs) {
		return Math.max(this.peak("you", fromMs, toMs), this.peak("agent", fromMs, toMs));
	}

	/** The loudest step of a span. @param {Side} side @param {number} fromMs @param {number} toMs */
	peak(side, fromMs, toMs) {
		const peaks = this.peaks[side];
		let loudest = 0;
		const end = Math.min(peaks.length, Math.ceil(toMs / STEP_MS));
		for (let at = Math.max(0, Math.floor(fromMs / STEP_MS)); at < end; at++) loudest = Math.max(loudest, peaks[at]);
		return loudest / 255;
	}
}
