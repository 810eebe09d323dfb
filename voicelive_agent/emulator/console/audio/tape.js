/** Tape: the last minutes of both voices of the page's own call, at their places in it. */

import { RATE_HZ } from "./pcm.js";

const BLOCK_MS = 10_000;
const BLOCK_SAMPLES = (RATE_HZ * BLOCK_MS) / 1000;
/** Five minutes of both sides are 29 MB. */
const KEPT_BLOCKS = 30;
/** Chunks that follow one another arrive late by no more than this. */
const SLACK_MS = 200;

export class Tape {
	constructor() {
		/** @type {Record<Side, Map<number, Int16Array>>} blocks by their number */
		this.blocks = { you: new Map(), agent: new Map() };
		/** @type {Record<Side, number>} where the next sample goes */
		this.next = { you: 0, agent: 0 };
	}

	clear() {
		Object.assign(this, new Tape());
	}

	/**
	 * A chunk that was captured or played up to `untilMs`, as far as its message tells it; where it stands.
	 * @param {Side} side @param {number} untilMs @param {Int16Array} samples @returns {number} its end in ms
	 */
	write(side, untilMs, samples) {
		const at = Math.round((untilMs * RATE_HZ) / 1000) - samples.length;
		const slack = (SLACK_MS * RATE_HZ) / 1000;
		// The sound has a clock of its own, which is truer than the time of its messages.
		let place = Math.abs(at - this.next[side]) < slack ? this.next[side] : Math.max(0, at);
		this.next[side] = place + samples.length;
		for (let from = 0; from < samples.length; ) {
			const start = place % BLOCK_SAMPLES;
			const count = Math.min(samples.length - from, BLOCK_SAMPLES - start);
			this.block(side, Math.floor(place / BLOCK_SAMPLES)).set(samples.subarray(from, from + count), start);
			place += count;
			from += count;
		}
		return (place * 1000) / RATE_HZ;
	}

	/** @param {Side} side @param {number} number */
	block(side, number) {
		const blocks = this.blocks[side];
		const there = blocks.get(number);
		if (there) return there;
		const block = new Int16Array(BLOCK_SAMPLES);
		blocks.set(number, block);
		for (const old of blocks.keys()) if (old <= number - KEPT_BLOCKS) blocks.delete(old);
		return block;
	}

	/** Whether it still has the beginning of a span. @param {number} fromMs */
	has(fromMs) {
		const number = Math.floor(Math.max(0, fromMs) / BLOCK_MS);
		return this.blocks.you.has(number) || this.blocks.agent.has(number);
	}

	/** What is not here is silence. @param {Side} side @param {number} fromMs @param {number} toMs */
	read(side, fromMs, toMs) {
		const first = Math.round((Math.max(0, fromMs) * RATE_HZ) / 1000);
		const samples = new Int16Array(Math.max(0, Math.round((toMs * RATE_HZ) / 1000) - first));
		for (let at = 0; at < samples.length; ) {
			const start = (first + at) % BLOCK_SAMPLES;
			const count = Math.min(samples.length - at, BLOCK_SAMPLES - start);
			const block = this.blocks[side].get(Math.floor((first + at) / BLOCK_SAMPLES));
			if (block) samples.set(block.subarray(start, start + count), at);
			at += count;
		}
		return samples;
	}
}
