/**
 * Playback: a queue of PCM16 that can be cut, and that counts what was really played of each item.
 *
 * The first delta of an answer is shorter than the wait for the second one, so an answer is held
 * back until `HOLD_MS` of it are there, or have passed; nothing later is.
 */

const HOLD_MS = 60;
const REPORT_MS = 100;

class Playback extends AudioWorkletProcessor {
	/** @param {{processorOptions: {rateHz: number}}} options `rateHz` of the PCM that comes */
	constructor({ processorOptions: { rateHz } }) {
		super();
		this.rateHz = rateHz;
		this.step = rateHz / sampleRate;
		/** @type {{item: string, samples: Int16Array}[]} */
		this.queue = [];
		this.offset = 0;
		/** @type {Map<string, number>} samples played, by item */
		this.played = new Map();
		/** @type {Set<string>} items of which no more will come */
		this.ended = new Set();
		/** @type {string | null} the item that is heard, or was last */
		this.item = null;
		this.heldFrames = 0;
		this.isHolding = true;
		this.isDry = true;
		this.isResting = true;
		/** What was played since the last report, at the rate of the wire. */
		this.pcm = new Int16Array((rateHz * REPORT_MS) / 1000);
		this.reported = 0;
		this.port.onmessage = ({ data }) => this.receive(data);
	}

	receive(message) {
		if (message.samples) this.queue.push(message);
		else if (message.end) this.ended.add(message.end);
		else if (message.cut !== undefined) this.cut(message.cut);
	}

	/** @param {number} id of the wish, given back with what was played and what was left */
	cut(id) {
		/** @type {Map<string, number>} */
		const left = new Map();
		if (this.item && !this.isResting) left.set(this.item, 0);
		this.queue.forEach(({ item, samples }, index) => {
			left.set(item, (left.get(item) ?? 0) + samples.length - (index ? 0 : this.offset));
		});
		const items = [...left].map(([item, samples]) => ({
			item,
			playedMs: this.toMs(this.played.get(item) ?? 0),
			leftMs: this.toMs(samples),
		}));
		this.queue = [];
		this.offset = 0;
		this.rest();
		this.port.postMessage({ cut: id, at: Date.now(), items });
	}

	/** An answer is over: the next one is held back again. */
	rest() {
		this.tell();
		this.isDry = true;
		this.isResting = true;
		this.isHolding = true;
		this.heldFrames = 0;
		this.port.postMessage({ quiet: this.item, playedMs: this.playedMs(), at: Date.now() });
	}

	/** @param {number} samples */
	toMs(samples) {
		return (samples / this.rateHz) * 1000;
	}

	playedMs() {
		return this.item ? this.toMs(this.played.get(this.item) ?? 0) : 0;
	}

	/** Whether the start of an answer still waits; `frames` have passed. */
	holds(/** @type {number} */ frames) {
		if (!this.isHolding || !this.queue.length) return !this.queue.length;
		this.heldFrames += frames;
		const queued = this.queue.reduce((sum, { samples }) => sum + samples.length, 0);
		const isEnough = this.toMs(queued) >= HOLD_MS || (this.heldFrames / sampleRate) * 1000 >= HOLD_MS;
		this.isHolding = !isEnough && !this.ended.has(this.queue[0].item);
		return this.isHolding;
	}

	start(/** @type {string} */ item) {
		this.tell();
		const isNew = !this.played.has(item);
		this.item = item;
		this.isDry = false;
		this.isResting = false;
		if (isNew) this.port.postMessage({ began: item, at: Date.now() });
	}

	dry() {
		if (this.isResting) return;
		if (this.item && this.ended.has(this.item)) {
			this.rest();
			return;
		}
		if (this.isDry) return;
		this.tell();
		this.isDry = true;
		this.port.postMessage({ underrun: this.item, playedMs: this.playedMs(), at: Date.now() });
	}

	/** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
	process(_inputs, [output]) {
		const out = output[0];
		if (this.holds(out.length)) {
			this.dry();
			return true;
		}
		this.fill(out);
		return true;
	}

	/** From the queue, as far as it goes. @param {Float32Array} out */
	fill(out) {
		for (let at = 0; at < out.length; ) {
			const head = this.queue[0];
			if (!head) {
				this.dry();
				return;
			}
			const { item, samples } = head;
			if (item !== this.item || this.isDry) this.start(item);
			const from = this.offset;
			for (; at < out.length && this.offset < samples.length; this.offset += this.step) {
				out[at++] = samples[Math.floor(this.offset)] / 0x8000;
			}
			this.played.set(item, (this.played.get(item) ?? 0) + this.offset - from);
			this.report(samples.subarray(Math.floor(from), Math.floor(this.offset)));
			if (this.offset < samples.length) continue;
			this.offset -= samples.length;
			this.queue.shift();
		}
	}

	/** @param {Int16Array} samples that were played */
	report(samples) {
		for (let from = 0; from < samples.length; ) {
			const some = samples.subarray(from, from + this.pcm.length - this.reported);
			this.pcm.set(some, this.reported);
			this.reported += some.length;
			from += some.length;
			if (this.reported === this.pcm.length) this.tell();
		}
	}

	tell() {
		if (!this.reported) return;
		this.port.postMessage({ playing: this.item, playedMs: this.playedMs(), pcm: this.pcm.slice(0, this.reported) });
		this.reported = 0;
	}
}

registerProcessor("playback", Playback);
